"""A board of notes and files, with accounts: an ordinary Flask application."""

import csv
import io
import time
from importlib.metadata import version

from flask import Flask, Response, abort, flash, redirect, render_template, request, send_file, session, stream_with_context, url_for
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.utils import secure_filename

from database import accounts, engine, files, notes
from releases import latest

app = Flask(__name__)
app.config.update(
    MAX_CONTENT_LENGTH=1024 * 1024,
    SESSION_COOKIE_SAMESITE="Lax",  # another site can't post with somebody's session
)
app.config.from_prefixed_env()  # FLASK_SECRET_KEY


@app.context_processor
def current_user():
    return {"user": session.get("user")}


def login_required():
    if "user" not in session:
        abort(401)
    return session["user"]


@app.get("/")
def index():
    with engine().connect() as connection:
        listed = connection.execute(select(notes).order_by(notes.c.id.desc())).all()
        names = connection.scalars(select(files.c.name).order_by(files.c.name)).all()
    return render_template("index.html", notes=listed, files=names)


@app.post("/notes")
def add_note():
    user = login_required()
    text = request.form["text"].strip()
    if text:
        with engine().begin() as connection:
            connection.execute(insert(notes).values(author=user, text=text))
        flash("Your note is on the board.")
    return redirect(url_for("index"))


@app.get("/notes.csv")
def export():
    def rows():
        columns = [notes.c.created, notes.c.author, notes.c.text]
        with engine().connect() as connection:
            found = connection.execute(select(*columns).order_by(notes.c.id)).all()
        for row in [[column.name for column in columns], *found]:
            line = io.StringIO()
            csv.writer(line).writerow(row)
            yield line.getvalue()

    disposition = {"Content-Disposition": "attachment; filename=notes.csv"}
    return Response(stream_with_context(rows()), mimetype="text/csv", headers=disposition)


@app.post("/files")
def upload():
    login_required()
    file = request.files["file"]
    name = secure_filename(file.filename or "")
    if not name:
        abort(400, "The file needs a name.")
    with engine().begin() as connection:
        connection.execute(delete(files).where(files.c.name == name))
        connection.execute(insert(files).values(name=name, data=file.read()))
    flash(f"{name} is stored.")
    return redirect(url_for("index"))


@app.get("/files/<name>")
def download(name):
    with engine().connect() as connection:
        data = connection.scalar(select(files.c.data).where(files.c.name == name))
    if data is None:
        abort(404)
    return send_file(io.BytesIO(data), download_name=name, as_attachment=True)


@app.get("/about")
def about():
    return render_template("about.html", installed=version("flask"), latest=latest("flask"))


@app.get("/countdown")
def countdown():
    """Sends each line when it is made; other Python servers need a thread for that."""

    def lines():
        for i in range(min(request.args.get("from", 5, type=int), 20), 0, -1):
            yield f"{i}\n"
            time.sleep(0.2)
        yield "lift-off\n"

    # Cloudflare and wrangler dev would collect the lines to compress them.
    headers = {"Cache-Control": "no-store, no-transform", "Content-Encoding": "identity"}
    return Response(stream_with_context(lines()), mimetype="text/plain", headers=headers)


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        name = request.form["name"].strip()
        with engine().connect() as connection:
            password = connection.scalar(select(accounts.c.password).where(accounts.c.name == name))
        if password and check_password_hash(password, request.form["password"]):
            session.clear()
            session["user"] = name
            return redirect(url_for("index"))
        flash("The name or the password is wrong.")
    return render_template("login.html", title="Log in", action=url_for("login"))


def register_account(name, password):
    try:
        with engine().begin() as connection:
            connection.execute(insert(accounts).values(name=name, password=generate_password_hash(password)))
    except IntegrityError:
        return False
    return True


@app.route("/register", methods=["GET", "POST"])
def register():
    if request.method == "POST":
        name, password = request.form["name"].strip(), request.form["password"]
        if not name or len(password) < 8:
            flash("A name, and a password of at least 8 characters.")
        elif register_account(name, password):
            flash("Now log in.")
            return redirect(url_for("login"))
        else:
            flash("That name is taken.")
    return render_template("login.html", title="Register", action=url_for("register"))


@app.post("/logout")
def logout():
    session.clear()
    return redirect(url_for("index"))


@app.errorhandler(400)
@app.errorhandler(401)
@app.errorhandler(404)
@app.errorhandler(413)
@app.errorhandler(500)
def error(problem):
    return render_template("error.html", problem=problem), problem.code
