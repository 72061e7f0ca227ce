import hashlib
import html

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound
from pyramid.response import Response
from pyramid.session import SignedCookieSessionFactory
from pyramid.view import view_config

from ticks import ticks


@view_config(route_name="hello")
def hello(request):
    return Response(f"<p>Hello, {html.escape(request.GET['name'])}!</p>")


@view_config(route_name="form", request_method="POST")
def form(request):
    return Response(f"name={request.POST['name']}", content_type="text/plain", charset="utf-8")


@view_config(route_name="upload", request_method="POST", renderer="json")
def upload(request):
    field = request.POST["file"]
    data = field.file.read()
    return {
        "note": request.POST["note"],
        "filename": field.filename,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


@view_config(route_name="json", request_method="POST", renderer="json")
def add(request):
    return {"sum": sum(request.json_body["numbers"])}


@view_config(route_name="path", renderer="string")
def path(request):
    return request.matchdict["name"]


@view_config(route_name="login", request_method="POST")
def login(request):
    request.session["user"] = request.POST["user"]
    return HTTPFound(request.route_url("me"), headers=request.response.headers)


@view_config(route_name="me", renderer="string")
def me(request):
    return request.session.get("user", "nobody")


@view_config(route_name="stream")
def stream(request):
    return Response(app_iter=ticks(int(request.GET.get("count", 0))), content_type="text/plain")


@view_config(route_name="boom")
def boom(request):
    raise ValueError("boom")


with Configurator(session_factory=SignedCookieSessionFactory("test")) as config:
    for name in ("hello", "form", "upload", "json", "login", "me", "stream", "boom"):
        config.add_route(name, f"/{name}")
    config.add_route("path", "/path/{name}")
    config.scan(__name__)
    app = config.make_wsgi_app()
