"""Calls an application so many times in Python alone, as PEP 3333's own example of a server does."""

import importlib
import io
import sys
import time

if sys.platform != "emscripten":
    from wsgiref.handlers import SimpleHandler


def start_response(status, headers, exc_info=None):
    return None


def drain(body):
    for _ in body:
        pass
    if hasattr(body, "close"):
        body.close()


def app(environ, given_start_response):
    """The application of the query, called so many times as it says."""
    name, times = environ["QUERY_STRING"].split("&")
    called = importlib.import_module(name).app
    base = {**environ, "PATH_INFO": "/hello", "QUERY_STRING": "name=world"}
    for _ in range(int(times)):
        drain(called({**base, "wsgi.input": io.BytesIO()}, start_response))
    given_start_response("200 OK", [("Content-Type", "text/plain")])
    return []


def native(name, times, environ):
    """µs of CPU for each request through wsgiref.handlers, which writes to memory."""
    called = importlib.import_module(name).app
    started = time.process_time()
    for _ in range(times):
        handler = SimpleHandler(io.BytesIO(), io.BytesIO(), sys.stderr, environ)
        handler.os_environ = {}
        handler.run(called)
    return (time.process_time() - started) / times * 1e6


if __name__ == "__main__":
    import json

    environ = json.load(sys.stdin)
    for _ in range(3):
        cost = native(sys.argv[1], int(sys.argv[2]), environ)
    print(cost, ".".join(map(str, sys.version_info[:3])))
