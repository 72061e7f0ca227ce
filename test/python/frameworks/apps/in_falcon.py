import hashlib
import html

import falcon

from ticks import ticks

TEXT = "text/plain; charset=utf-8"


class Hello:
    def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_HTML
        resp.text = f"<p>Hello, {html.escape(req.get_param('name', required=True))}!</p>"

    on_head = on_get


class Form:
    def on_post(self, req, resp):
        resp.content_type = TEXT
        resp.text = f"name={req.get_media()['name']}"


class Upload:
    def on_post(self, req, resp):
        answer = {}
        for part in req.get_media():
            if part.name == "note":
                answer["note"] = part.text
            else:
                data = part.stream.read()
                answer.update(filename=part.filename, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        resp.media = answer


class Sum:
    def on_post(self, req, resp):
        resp.media = {"sum": sum(req.get_media()["numbers"])}


class Path:
    def on_get(self, req, resp, name):
        resp.content_type = TEXT
        resp.text = name


class Login:
    def on_post(self, req, resp):
        resp.set_cookie("user", req.get_media()["user"].encode().hex(), path="/", secure=False)
        raise falcon.HTTPFound(f"{req.prefix}/me")


class Me:
    def on_get(self, req, resp):
        resp.content_type = TEXT
        resp.text = bytes.fromhex(req.cookies.get("user", b"nobody".hex())).decode()


class Stream:
    def on_get(self, req, resp):
        resp.content_type = TEXT
        resp.stream = ticks(req.get_param_as_int("count"))


class Boom:
    def on_get(self, req, resp):
        raise ValueError("boom")


app = falcon.App()
app.add_route("/hello", Hello())
app.add_route("/form", Form())
app.add_route("/upload", Upload())
app.add_route("/json", Sum())
app.add_route("/path/{name}", Path())
app.add_route("/login", Login())
app.add_route("/me", Me())
app.add_route("/stream", Stream())
app.add_route("/boom", Boom())
