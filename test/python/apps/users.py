"""What contextvars and threading.local keep of one user while others are served."""

import contextvars
import threading
from urllib.parse import parse_qs

from pyodide.ffi import run_sync

context = contextvars.ContextVar("user", default="nobody")
local = threading.local()
streams = set()


def pause(environ):
    run_sync(environ["test.sleep"](2))


def app(environ, start_response):
    """Ten lines with all that is known of the user, paused between any two, and with how many streams are open."""
    [name] = parse_qs(environ["QUERY_STRING"])["user"]
    before = [context.get(), getattr(local, "user", "nobody")]
    context.set(name)
    local.user = name
    pause(environ)
    start_response("200 OK", [("Content-Type", "text/plain")])
    streams.add(name)
    for _ in range(10):
        pause(environ)
        yield f"{len(streams)} {name} {before} {[context.get(), local.user]}\n".encode()
    streams.remove(name)
