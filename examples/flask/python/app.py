"""A board of notes and files, with accounts: an ordinary Flask application."""

import csv
import io
import time

from flask import Flask, Response, abort, flash, redirect, render_template, request, send_file, session, stream_with_context, url_for
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.utils import secure_filename

import store

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
    return render_template("index.html", notes=store.get("notes", []), files=store.get("files", []))


@app.post("/notes")
def add_note():
    user = login_required()
    text = request.form["text"].strip()
    if text:
        store.put("notes", [*store.get("notes", []), {"user": user, "text": text, "time": int(time.time())}])
        flash("Your note is on the board.")
    return redirect(url_for("index"))


@app.get("/notes.csv")
def export():
    def rows():
        for note in [{"user": "user", "text": "text", "time": "time"}, *store.get("notes", [])]:
            line = io.StringIO()
            csv.writer(line).writerow([note["time"], note["user"], note["text"]])
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
    store.put_bytes(f"file:{name}", file.read())
    store.put("files", sorted({*store.get("files", []), name}))
    flash(f"{name} is stored.")
    return redirect(url_for("index"))


@app.get("/files/<name>")
def download(name):
    data = store.get_bytes(f"file:{name}")
    if data is None:
        abort(404)
    return send_file(io.BytesIO(data), download_name=name, as_attachment=True)


@app.get("/countdown")
def countdown():
    """Sends each line when it is made; other Python servers need a thread for that."""

    def lines():
        for i in range(min(request.args.get("from", 5, type=int), 20), 0, -1):
            yield f"{i}\n"
            time.sleep(0.2)
        yield "lift-off\n"

    # Who compresses on the way gathers the lines first: this keeps Cloudflare and wrangler dev from it.
    headers = {"Cache-Control": "no-store, no-transform", "Content-Encoding": "identity"}
    return Response(stream_with_context(lines()), mimetype="text/plain", headers=headers)


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        name = request.form["name"].strip()
        account = store.get(f"account:{name}")
        if account and check_password_hash(account["password"], request.form["password"]):
            session.clear()
            session["user"] = name
            return redirect(url_for("index"))
        flash("The name or the password is wrong.")
    return render_template("login.html", title="Log in", action=url_for("login"))


@app.route("/register", methods=["GET", "POST"])
def register():
    if request.method == "POST":
        name, password = request.form["name"].strip(), request.form["password"]
        if not name or len(password) < 8:
            flash("A name, and a password of at least 8 characters.")
        elif store.get(f"account:{name}"):
            flash("That name is taken.")
        else:
            store.put(f"account:{name}", {"password": generate_password_hash(password)})
            flash("Now log in.")
            return redirect(url_for("login"))
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
