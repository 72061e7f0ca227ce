"""What contextvars and threading.local keep of one user while others are served."""

import contextvars
import os
import threading
from urllib.parse import parse_qs

from pyodide.ffi import run_sync

context = contextvars.ContextVar("user", default="nobody")
local = threading.local()
waiting = set()


def pause(environ, name):
    """Waits, and returns how many users waited when it began."""
    waiting.add(name)
    count = len(waiting)
    run_sync(environ["test.sleep"](2))
    waiting.remove(name)
    return count


def app(environ, start_response):
    """Ten lines with all that is known of the user, paused between any two, and with how many users wait."""
    if environ["PATH_INFO"] == "/die":
        os._exit(3)
    [name] = parse_qs(environ["QUERY_STRING"])["user"]
    before = [context.get(), getattr(local, "user", "nobody")]
    context.set(name)
    local.user = name
    pause(environ, name)
    start_response("200 OK", [("Content-Type", "text/plain")])
    for _ in range(10):
        count = pause(environ, name)
        yield f"{count} {name} {before} {[context.get(), local.user]}\n".encode()
