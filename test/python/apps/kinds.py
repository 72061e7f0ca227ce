"""One application for each kind of request."""

import io
import sys

TEXT = [("Content-Type", "text/plain")]


def plain(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"plain"]


def generator(environ, start_response):
    start_response("200 OK", TEXT)
    for _ in range(3):
        yield b"piece"


def upload(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", TEXT)
    return [str(len(body)).encode()]


def by_line(environ, start_response):
    start_response("200 OK", TEXT)
    for line in environ["wsgi.input"]:
        yield line


def raises(environ, start_response):
    raise ValueError(environ["PATH_INFO"])


def breaks_off(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"part"
    raise ValueError(environ["PATH_INFO"])


def recovers(environ, start_response):
    start_response("200 OK", TEXT)
    try:
        raise ValueError("recovered")
    except ValueError:
        start_response("500 Recovered", TEXT, sys.exc_info())
    return [b"sorry"]


def refused(environ, start_response):
    start_response("200 OK", [("X-A", "line\nfeed")])
    return []


def waits(environ, start_response):
    from pyodide.ffi import run_sync

    value = run_sync(environ["test.wait"]())
    start_response("200 OK", TEXT)
    return [str(value.number).encode()]


def rejected(environ, start_response):
    from pyodide.ffi import JsException, run_sync

    try:
        run_sync(environ["test.reject"]())
    except JsException as error:
        start_response("200 OK", TEXT)
        return [error.message.encode()]


def background(environ, start_response):
    environ["wsgi_edge.wait_until"](environ["test.wait"]())
    start_response("204 No Content", [])
    return [] if environ["wsgi_edge.signal"].aborted else ()


def writes(environ, start_response):
    write = start_response("200 OK", TEXT)
    write(b"written ")
    write(b"twice ")
    return [b"returned"]


def file(environ, start_response):
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](io.BytesIO(b"x" * 20_000), 8192)
