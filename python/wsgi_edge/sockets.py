"""Sockets that the platform opens (python/sockets/sockets.ts)."""

import errno
import socket
import sys
from types import ModuleType

from . import tls

_failure = None  # of the JavaScript half

_NAME = "urllib3.contrib.emscripten"
_OFF = (
    "Python has no sockets: not while it is built, not without JSPI, and on Workers not without connect "
    "(option sockets of fromPython)"
)


def connect(failure, start_tls):
    """Takes the functions of the JavaScript half."""
    global _failure
    _failure = failure
    tls.connect(start_tls)


def without():
    """Lets urllib3 use fetch, because there are no sockets."""
    if sys.modules.get(_NAME) is not _sockets_stay:
        return
    del sys.modules[_NAME]
    if "urllib3" in sys.modules:
        from urllib3.contrib.emscripten import inject_into_urllib3

        inject_into_urllib3()


def _reason(sock, error):
    """The exception that CPython raises elsewhere."""
    text = _failure(sock.fileno())
    if text is None:
        return error
    code, _, reason = text.partition(" ")
    if code == "ENOTFOUND":
        return socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {reason}")
    return type(error)(error.errno, reason)


def _with_reason(name):
    method = getattr(socket.socket, name)

    def call(self, *args):
        if _failure is None:
            raise OSError(errno.ENETUNREACH, _OFF)
        try:
            return method(self, *args)
        except (BlockingIOError, TimeoutError):
            raise
        except OSError as error:
            reason = _reason(self, error)
        raise reason

    call.__name__ = name
    setattr(socket.socket, name, call)


for name in ("connect", "connect_ex", "recv", "recv_into", "send", "sendall"):
    _with_reason(name)

# urllib3 imports this module on Emscripten, and then sends all requests by fetch: without cookies, and with other errors.
_sockets_stay = ModuleType(_NAME)
_sockets_stay.inject_into_urllib3 = lambda: None
sys.modules[_NAME] = _sockets_stay
