"""Sends sys.stdout, sys.stderr and the records of `logging` to the log of the request that writes them."""

import sys
from contextvars import ContextVar

gateway = None  # see bridge.connect()
request = ContextVar("request", default=None)  # the number of the request


def level_of(frame):
    """The level of the record that a handler of `logging` is about to write, if `frame` is its emit()."""
    if frame.f_code.co_name == "emit" and frame.f_globals.get("__name__") == "logging":
        return getattr(frame.f_locals.get("record"), "levelno", None)
    return None


class Stream:
    """sys.stdout or sys.stderr. Outside of requests, and for all but text, it is the interpreter's own."""

    def __init__(self, own, send):
        self._own = own
        self._send = send

    def write(self, text):
        number = request.get()
        if number is None or not isinstance(text, str):
            return self._own.write(text)
        level = level_of(sys._getframe(1))
        if level is None:
            getattr(gateway, self._send)(number, text)
        else:
            gateway.log(number, text, level)
        return len(text)

    def writelines(self, texts):
        for text in texts:
            self.write(text)

    def __getattr__(self, name):
        return getattr(self._own, name)


sys.stdout = Stream(sys.stdout, "print")
sys.stderr = Stream(sys.stderr, "log")
