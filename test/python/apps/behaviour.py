"""The measured applications of test/applications in their own language: behaviour.json has the source of each, as it ran on
wsgiref, gunicorn, waitress, cheroot, uWSGI and mod_wsgi."""

import io
import json
import os
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


def app(environ, start_response):
    global note
    note = environ["test.note"]
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
