"""An application that does what frameworks do in a request, but has no effect. The runtime compiles a function of the
interpreter at its first call, so the first real request finds these functions compiled."""

import contextvars
import re
import sys

from . import bridge

_variable = contextvars.ContextVar("wsgi_edge.warm")
_route = re.compile(r"^/(?P<name>[^/]+)/(\d+)$|^/static/(.*)$")


class _Request:
    charset = "utf-8"

    def __init__(self, environ):
        self.__dict__.update(environ=environ, method=environ.get("REQUEST_METHOD", "GET").upper())

    def __getattr__(self, name):
        raise AttributeError(name)

    @property
    def path(self):
        return self.environ["PATH_INFO"].encode("latin-1").decode(self.charset, "replace")

    @classmethod
    def of(cls, environ, *args, **options):
        return cls(environ)


def _headers(environ):
    for key, value in environ.items():
        if key.startswith("HTTP_") and key not in {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"}:
            yield key[5:].replace("_", "-").title(), value


def app(environ, start_response):
    request = _Request.of(environ, None, charset="utf-8")
    token = _variable.set(request)
    try:
        headers = sorted(_headers(environ), key=lambda header: header[0].lower())
        host = environ.get("HTTP_HOST", "").strip().lower().partition(":")[0].rsplit(".", 1)
        cookies = {k.strip(): v.strip(' "') for k, _, v in (p.partition("=") for p in environ["HTTP_COOKIE"].split(";"))}
        match = _route.match(request.path)
        name = getattr(request, "name", None) or match.groupdict()["name"]
        text = f"{name!r:>10} {len(headers)} %s %d {{}}" % (host, int(match[2])) + ", ".join(cookies)
        request.environ["wsgi.input"].read()
    finally:
        _variable.reset(token)
    if "urllib.parse" in sys.modules:
        parse = sys.modules["urllib.parse"]
        text += parse.quote(parse.unquote("/a%20b")) + parse.urlencode(parse.parse_qsl(environ["QUERY_STRING"]))
    body = text.format(request.method).encode()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    yield body


bridge._applications[bridge.WARM_UP] = app
