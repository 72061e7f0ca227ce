"""Views that wait, stream, and take too long, beside those that don't."""

import contextvars
import json
import threading

from pyodide.ffi import run_sync

TEXT = [("Content-Type", "text/plain")]
BLOCK = b"x" * 65_536
served = 0  # lost with the interpreter
local = threading.local()
local.name = "the import"
context = contextvars.ContextVar("name", default="nobody")
produced = 0
closed = 0


def app(environ, start_response):
    global served
    served += 1
    return globals()[environ["PATH_INFO"].strip("/")](environ, start_response)


def answer(start_response, value):
    start_response("200 OK", TEXT)
    return [json.dumps(value).encode()]


def hello(environ, start_response):
    return answer(start_response, "hello")


def state(environ, start_response):
    return answer(start_response, [served, produced, closed])


class Stream:
    def __init__(self, chunks):
        self.chunks = chunks

    def __iter__(self):
        global produced
        for _ in range(self.chunks):
            produced += 1
            yield BLOCK

    def close(self):
        global closed
        closed += 1


def stream(environ, start_response):
    start_response("200 OK", TEXT)
    return Stream(int(environ["QUERY_STRING"]))


def upload(environ, start_response):
    return answer(start_response, len(environ["wsgi.input"].read()))


def refuse(environ, start_response):
    """Answers without reading the body."""
    start_response("413 Content Too Large", TEXT)
    return [b"too large"]


def stall(environ, start_response):
    """Waits for an upstream that never answers."""
    try:
        run_sync(environ["test.never"]())
    finally:
        local.cleaned = True
    return answer(start_response, "not reached")


def cleaned(environ, start_response):
    return answer(start_response, getattr(local, "cleaned", False))


def stubborn(environ, start_response):
    """Does not let itself be interrupted."""
    while True:
        try:
            run_sync(environ["test.never"]())
        except Exception:
            pass


def spin(environ, start_response):
    while True:
        pass


def reads_late(environ, start_response):
    """Reads its body after a chunk that nobody runs ahead of."""
    start_response("200 OK", TEXT)
    yield b"x" * 300_000
    yield str(len(environ["wsgi.input"].read())).encode()


def visits(environ, start_response):
    """Tells whom it finds in threading.local, and keeps its own visitor there until it has ended."""
    start_response("200 OK", TEXT)
    found = getattr(local, "visitor", "nobody")
    local.visitor = environ["QUERY_STRING"]
    yield f"{found} {' ' * 300_000}".encode()
    yield local.visitor.encode()


def named(environ, start_response):
    """Keeps its name where other requests must not find it."""
    name = environ["QUERY_STRING"]
    before = [getattr(local, "name", "nobody"), context.get()]
    local.name = name
    context.set(name)
    start_response("200 OK", TEXT)
    yield json.dumps(before).encode()
    for _ in range(3):
        yield f" {local.name} {context.get()}".encode()


connections = []


def connects(environ, start_response):
    """Keeps a connection, as Django does. Tells how many there are."""
    if not hasattr(local, "connection"):
        local.connection = object()
        connections.append(local.connection)
    start_response("200 OK", TEXT)
    yield json.dumps(len(connections)).encode()
    yield b""
    assert local.connection in connections


def nap(environ, start_response):
    run_sync(environ["test.sleep"](20))
    return answer(start_response, "awake")


def busy(environ, start_response):
    """Computes for a while, and tells its interpreters apart: each has seen other requests."""
    import os

    sum(range(1_000_000))
    return answer(start_response, mark.setdefault("id", os.urandom(8).hex()))


mark = {}


def sleep(environ, start_response):
    import time

    time.sleep(60)
    return answer(start_response, "not reached")


def grow(environ, start_response):
    bytearray(32 * 1024 * 1024)
    return answer(start_response, "grown")
