"""Applications that try what holds an interpreter together."""

import contextvars
import os
import threading

from pyodide.ffi import run_sync

TEXT = [("Content-Type", "text/plain; charset=utf-8")]
current = None
context = contextvars.ContextVar("context", default="nobody")
local = threading.local()


def answer(start_response, value):
    start_response("200 OK", TEXT)
    return [str(value).encode()]


def slow(environ, start_response):
    """Keeps its name in a global while it waits."""
    global current
    current = environ["QUERY_STRING"]
    run_sync(environ["test.sleep"](20))
    return answer(start_response, current)


def stream(environ, start_response):
    """Keeps its name in a global while it streams."""
    global current
    current = environ["QUERY_STRING"]
    start_response("200 OK", TEXT)
    for _ in range(3):
        yield current.encode()


def contextual(environ, start_response):
    before = context.get()
    context.set(environ["QUERY_STRING"])
    local.name = environ["QUERY_STRING"]
    start_response("200 OK", TEXT)
    for _ in range(3):
        run_sync(environ["test.sleep"](5))
        yield f"{before} {context.get()} {local.name}\n".encode()


class Closing:
    def __init__(self, note):
        self.note = note

    def __iter__(self):
        while True:
            yield b"x" * 1000

    def close(self):
        self.note("close")


def endless(environ, start_response):
    start_response("200 OK", TEXT)
    return Closing(environ["test.note"])


def host(environ, start_response):
    import js

    return answer(start_response, js.process.pid)


def die(environ, start_response):
    os._exit(3)


def die_in_stream(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"part"
    os._exit(3)


def overflow(environ, start_response):
    """C code that goes deeper than the stack of the engine, and that CPython does not check."""
    value = ()
    for _ in range(200_000):
        value = (value,)
    return answer(start_response, hash(value))


def leave(environ, start_response):
    raise SystemExit("leaving")


def passwords(environ, start_response):
    import hashlib

    derived = [
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 2),
        hashlib.pbkdf2_hmac("sha1", b"password", b"salt", 1, 16),
        hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16, dklen=64),
    ]
    return answer(start_response, "\n".join(each.hex() for each in derived))


def values(environ, start_response):
    value = environ["test.value"]
    note = environ["test.note"]
    note(environ["PATH_INFO"])
    return answer(start_response, f"{value.name} {list(value.list)} {environ['test.number'] + 1} {'HTTP_X_NUL' in environ}")


def wait(environ, start_response):
    return answer(start_response, run_sync(environ["test.sleep"](1)))


def environment(environ, start_response):
    return answer(start_response, os.environ.get(environ.get("QUERY_STRING") or "TEST_VARIABLE", "not set"))


def aio(environ, start_response):
    import asyncio

    async def main():
        await asyncio.sleep(0.001)
        return "awaited"

    try:
        asyncio.get_running_loop()
        raise AssertionError("a loop runs")
    except RuntimeError:
        pass
    return answer(start_response, asyncio.run(main()))


def read_by_line(environ, start_response):
    start_response("200 OK", TEXT)
    for line in environ["wsgi.input"]:
        yield line[::-1]


def read_twice(environ, start_response):
    first = environ["wsgi.input"].read(100_000)
    return answer(start_response, f"{len(first)} {len(environ['wsgi.input'].read())}")


def cause(environ, start_response):
    environ["test.fail"]()


def forge(environ, start_response):
    """Raises errors whose texts have lines of a client."""
    lines = "no user x\r\n127.0.0.1 - admin logged in\n\x1b[31mred"
    try:
        compile("\n\n(1 +* 2)", lines, "eval")
    except SyntaxError as error:
        error.msg = error.text = lines
        error.add_note(lines)
        raise ExceptionGroup(lines, [ValueError(lines)]) from error


def event(environ, start_response):
    return answer(start_response, f"{environ['aws.event'].version} {environ['aws.context'].awsRequestId}")


def background(environ, start_response):
    environ["wsgi_edge.wait_until"](environ["test.sleep"](1))
    return answer(start_response, environ["wsgi_edge.signal"].aborted)


def source(environ, start_response):
    """A file of the assets."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    with open(__file__, "rb") as file:
        return [file.read()]


def modified(environ, start_response):
    """When a file of the assets was changed."""
    return answer(start_response, os.stat(__file__).st_mtime)


def die_or_live(environ, start_response):
    if environ["QUERY_STRING"] == "die":
        os._exit(3)
    return answer(start_response, "alive")
