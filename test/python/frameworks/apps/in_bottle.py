import hashlib

from bottle import Bottle, redirect, request, response, template

from ticks import ticks

app = Bottle()
TEXT = "text/plain; charset=utf-8"


@app.get("/hello")
def hello():
    return template("<p>Hello, {{name}}!</p>", name=request.query.getunicode("name"))


@app.post("/form")
def form():
    response.content_type = TEXT
    return f"name={request.forms.getunicode('name')}"


@app.post("/upload")
def upload():
    upload = request.files.get("file")
    data = upload.file.read()
    return {
        "note": request.forms.getunicode("note"),
        "filename": upload.raw_filename,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


@app.post("/json")
def add():
    return {"sum": sum(request.json["numbers"])}


@app.get("/path/<name>")
def path(name):
    response.content_type = TEXT
    return name


@app.post("/login")
def login():
    response.set_cookie("user", request.forms.getunicode("user"), secret="test", path="/", httponly=True)
    redirect("me")


@app.get("/me")
def me():
    response.content_type = TEXT
    return request.get_cookie("user", "nobody", secret="test")


@app.get("/stream")
def stream():
    response.content_type = TEXT
    return ticks(int(request.query.count or 0))


@app.get("/boom")
def boom():
    raise ValueError("boom")
