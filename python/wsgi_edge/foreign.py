"""Applications of TypeScript that middleware of Python calls. The messages are in python/bridge/wire.ts."""

import itertools

from pyodide.ffi import JsProxy, to_js

from . import bridge
from .bridge import NUL

_calls = {}  # by number
_numbers = itertools.count(1)


class ForeignError(Exception):
    """The excInfo that an application of TypeScript gave to startResponse."""


class _Call:
    __slots__ = ("environ", "start_response", "write")

    def __init__(self, environ, start_response):
        self.environ = environ
        self.start_response = start_response
        self.write = None


class Foreign:
    def __init__(self, key):
        self._key = key

    def __call__(self, environ, start_response):
        number = next(_numbers)
        _calls[number] = _Call(environ, start_response)
        strings, names, values = [], [], []
        for name, value in environ.items():
            if type(value) is str and NUL not in value:
                strings += (name, value)
            elif isinstance(value, (str, bool, int, float, JsProxy)):
                names.append(name)
                values.append(value)
        request = environ["wsgi_edge.request"]
        call = bridge._gateway.call
        try:
            chunks = bridge._wait(call(self._key, number, request, NUL.join(strings), NUL.join(names), *values))
        except BaseException:
            del _calls[number]
            raise
        # Middleware may ask a body for its len(), so a body that has come as a whole is a list.
        if chunks is not None:
            return _List(number, (chunk.to_bytes() for chunk in chunks))
        return _Iterable(number)


class _List(list):
    def __init__(self, number, chunks):
        super().__init__(chunks)
        self._number = number

    def close(self):
        _end(self._number)


class _Iterable:
    def __init__(self, number):
        self._number = number

    def __iter__(self):
        return self

    def __next__(self):
        chunk = bridge._wait(bridge._gateway.step(self._number))
        if chunk is None:
            raise StopIteration
        return chunk.to_bytes()

    def close(self):
        _end(self._number)


def _end(number):
    try:
        bridge._wait(bridge._gateway.end(number))
    finally:
        _calls.pop(number, None)


@bridge._synchronous
def start(number, packed, exc_text):
    """Calls start_response. Returns None, True if exc_info was raised again, or a failure."""
    call = _calls[number]
    status, *fields = packed.split(NUL)
    headers = list(zip(fields[::2], fields[1::2]))
    try:
        if exc_text is None:
            call.write = call.start_response(status, headers)
            return None
        error = ForeignError(exc_text)
        try:
            call.write = call.start_response(status, headers, (ForeignError, error, None))
        except ForeignError as raised:
            if raised is error:
                return True
            raise
    except BaseException as error:
        return bridge._failure(bridge.FAILED, error)


@bridge._synchronous
def write(number, data):
    try:
        _calls[number].write(data.to_bytes())
    except BaseException as error:
        return bridge._failure(bridge.FAILED, error)


@bridge._synchronous
def read(number, size):
    """Reads wsgi.input. Returns bytes or a failure."""
    try:
        return to_js(_calls[number].environ["wsgi.input"].read(size))
    except BaseException as error:
        return bridge._failure(bridge.FAILED, error)


@bridge._synchronous
def log(number, text):
    """Writes to wsgi.errors, or flushes it if there is no text."""
    try:
        errors = _calls[number].environ["wsgi.errors"]
        if text is None:
            errors.flush()
        else:
            errors.write(text)
    except BaseException as error:
        return bridge._failure(bridge.FAILED, error)
