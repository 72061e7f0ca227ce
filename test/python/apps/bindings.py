"""Views that block on the bindings of a Worker, as any WSGI view blocks on its database."""

import json
import time

from pyodide.ffi import run_sync

closed = 0


def app(environ, start_response):
    view = globals()[environ["PATH_INFO"].strip("/")]
    body = view(environ, environ["workers.env"])
    start_response("200 OK", [("Content-Type", "application/json")])
    return body if hasattr(body, "close") else [json.dumps(body).encode()]


def kv(environ, env):
    run_sync(env.KV.put("name", environ["QUERY_STRING"]))
    return run_sync(env.KV.get("name"))


def d1(environ, env):
    run_sync(env.DB.exec("CREATE TABLE IF NOT EXISTS names (name TEXT)"))
    run_sync(env.DB.prepare("INSERT INTO names VALUES (?)").bind(environ["QUERY_STRING"]).run())
    rows = run_sync(env.DB.prepare("SELECT name FROM names").all()).results
    return [row.name for row in rows]


def r2(environ, env):
    run_sync(env.BUCKET.put("key", environ["wsgi.input"].read().decode()))
    return run_sync(run_sync(env.BUCKET.get("key")).text())


def fetch(environ, env):
    from js import fetch

    response = run_sync(fetch("https://example.com/" + environ["QUERY_STRING"]))
    return [response.status, run_sync(response.text())]


def request(environ, env):
    return environ["workers.request"].url


def later(environ, env):
    environ["wsgi_edge.wait_until"](env.KV.put("name", "later"))
    return "now"


def stored(environ, env):
    return run_sync(env.KV.get("name"))


def upload(environ, env):
    stream, total, reads = environ["wsgi.input"], 0, 0
    while data := stream.read(100_000):
        total += len(data)
        reads += 1
    return [total, reads]


broken = None


def break_off(environ, env):
    """Keeps what a body that breaks off raises."""
    global broken
    try:
        environ["wsgi.input"].read()
        broken = "nothing"
    except Exception as error:
        broken = [kind.__name__ for kind in type(error).__mro__]
        raise


def broken_off(environ, env):
    global broken
    seen, broken = broken, None
    return seen


class Endless:
    def __iter__(self):
        while True:
            yield b"x" * 65_536

    def close(self):
        global closed
        closed += 1


def endless(environ, env):
    return Endless()


class Ticking(Endless):
    def __iter__(self):
        while True:
            yield b"tick\n"
            time.sleep(0.02)


def ticking(environ, env):
    return Ticking()


def closes(environ, env):
    return closed


def die(environ, env):
    import os

    os._exit(1)


def passwords(environ, env):
    import hashlib

    return [
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 2).hex(),
        hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16).hex(),
    ]
