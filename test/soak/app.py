"""The paths of application.ts in Python, and one for clients that read slowly."""

import asyncio
import json

TEXT = [("Content-Type", "text/plain")]
LARGE = b"A" * 100_000
counts = {"handed": 0, "closed": 0}  # bodies with a close() that the gateway was given, and calls of it


class Counted:
    def __init__(self, body):
        counts["handed"] += 1
        self.iterator = iter(body)

    def __iter__(self):
        return self.iterator

    def close(self):
        counts["closed"] += 1


class Blocks:
    def __init__(self):
        self.blocks = [b"second", b"first "]

    def read(self, size):
        return self.blocks.pop() if self.blocks else b""


def failing():
    raise RuntimeError("soak")
    yield b""


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/background":
        environ["wsgi_edge.wait_until"](asyncio.sleep(0.001))
        start_response("204 No Content", [])
        return Counted([])
    write = start_response("200 OK", TEXT)
    if path == "/counts":
        return [json.dumps(counts).encode()]
    if path == "/stream":
        return Counted(b"piece %d\n" % number for number in range(5))
    if path == "/slow":
        return Counted(LARGE for _ in range(80))
    if path == "/large":
        return Counted([LARGE])
    if path == "/echo":
        return Counted([environ["wsgi.input"].read()])
    if path == "/file":
        return Counted(environ["wsgi.file_wrapper"](Blocks()))
    if path == "/write":
        write(b"written ")
        return Counted([b"returned"])
    if path == "/error":
        return Counted(failing())
    return Counted([b"hello"])
