import hashlib

from flask import Flask, Response, jsonify, redirect, render_template_string, request, session, url_for

from ticks import ticks

app = Flask(__name__)
app.secret_key = "test"


@app.get("/hello")
def hello():
    return render_template_string("<p>Hello, {{ name }}!</p>", name=request.args["name"])


@app.post("/form")
def form():
    return Response(f"name={request.form['name']}", mimetype="text/plain")


@app.post("/upload")
def upload():
    file = request.files["file"]
    data = file.read()
    return jsonify(
        note=request.form["note"], filename=file.filename, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
    )


@app.post("/json")
def add():
    numbers = request.get_json()["numbers"]
    return jsonify(sum=sum(numbers))


@app.get("/path/<name>")
def path(name):
    return Response(name, mimetype="text/plain")


@app.post("/login")
def login():
    session["user"] = request.form["user"]
    return redirect(url_for("me"))


@app.get("/me")
def me():
    return Response(session.get("user", "nobody"), mimetype="text/plain")


@app.get("/stream")
def stream():
    return Response(ticks(request.args.get("count", type=int)), mimetype="text/plain")


@app.get("/boom")
def boom():
    raise ValueError("boom")
