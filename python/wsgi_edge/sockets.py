"""Sockets that the platform opens (python/sockets/sockets.ts), and TLS by the platform. Pyodide's own ssl sends plain text."""

import errno
import socket
import sys

_failure = None  # see connect()
_start_tls = None

_connect = socket.socket.connect
_OFF = "Python has no sockets here: see the option sockets of fromPython, which needs a runtime with JSPI"


def connect(failure, start_tls):
    """Takes functions of the JavaScript half."""
    global _failure, _start_tls
    _failure = failure
    _start_tls = start_tls


def _connect_with_reason(self, address):
    if _failure is None:
        raise OSError(errno.ENETUNREACH, _OFF)
    try:
        _connect(self, address)
    except OSError as error:
        raise _reason(self, error) from None


def _reason(self, error):
    """The exception that CPython would raise elsewhere."""
    text = _failure(self.fileno())
    if text is None:
        return error
    code, _, reason = text.partition(" ")
    if code == "ENOTFOUND":
        return socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {reason}")
    if error.errno in (errno.EIO, errno.EACCES):
        return type(error)(error.errno, reason)
    return error


socket.socket.connect = _connect_with_reason
