"""The measured applications of wsgi-edge's conformance suite: SOURCES has the source of each, as it ran on wsgiref, gunicorn,
waitress, cheroot, uWSGI and mod_wsgi. X-Wsgi-Case picks one, and X-Wsgi-Report gives what a run (X-Wsgi-Run) has noted."""

import io
import json
import os
import re
import sys
import tempfile
import time

CT = [("Content-Type", "text/plain")]
KEEP = []
FILE = os.path.join(tempfile.gettempdir(), "digits")
SOURCES = json.load(open(os.path.join(os.path.dirname(__file__), "behaviour.json")))
note = None


def ev(*words):
    note(" ".join(map(str, words)))


def SR(start_response, *args, **kw):
    try:
        write = start_response(*args, **kw)
    except BaseException as error:
        ev("start_response raised", type(error).__name__ + ":", error)
        raise
    ev("start_response ok")
    return write


class Tracked:
    def __init__(self, items, close_exc=None, close_call=None):
        self.it = iter(items)
        self.n = 0
        self.close_exc = close_exc
        self.close_call = close_call

    def __iter__(self):
        ev("iter")
        return self

    def __next__(self):
        try:
            item = next(self.it)
            if callable(item):
                item = item()
            if isinstance(item, BaseException):
                raise item
        except StopIteration:
            ev("stop")
            raise
        except BaseException as error:
            ev("iterable raises", type(error).__name__)
            raise
        self.n += 1
        ev("next", self.n)
        return item

    def close(self):
        ev("close")
        if hasattr(self.it, "close"):
            self.it.close()
        if self.close_call:
            self.close_call()
        if self.close_exc:
            raise self.close_exc


class TrackedLen(Tracked):
    def __init__(self, items, length, **kw):
        super().__init__(items, **kw)
        self.length = length

    def __len__(self):
        ev("len")
        return self.length


def notes(run):
    # A file, because a server may have several processes.
    return os.path.join(tempfile.gettempdir(), "wsgi-edge-notes-" + re.sub(r"[^\w-]", "", run))


def write_note(run):
    def write(event):
        with open(notes(run), "a") as file:
            file.write(json.dumps(event) + "\n")

    return write


def report(run, start_response):
    events = []
    if os.path.exists(notes(run)):
        with open(notes(run)) as file:
            events = [json.loads(line) for line in file]
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"language": "python", "events": events}).encode()]


def app(environ, start_response):
    global note
    if "HTTP_X_WSGI_REPORT" in environ:
        return report(environ["HTTP_X_WSGI_REPORT"], start_response)
    note = environ.get("test.note") or write_note(environ.get("HTTP_X_WSGI_RUN", "none"))
    if not os.path.exists(FILE):
        with open(FILE, "wb") as file:
            file.write(b"0123456789" * 2000)
    names = {
        "__name__": "case",
        **{name: globals()[name] for name in ("CT", "KEEP", "FILE", "SR", "Tracked", "TrackedLen", "ev", "io", "os", "sys", "time")},
    }
    names["CT"] = list(CT)
    exec(SOURCES[environ["HTTP_X_WSGI_CASE"]], names)
    return names["app"](environ, start_response)
