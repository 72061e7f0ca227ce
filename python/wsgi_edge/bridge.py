"""One request is start(), then next_chunk() until the end, then close(). No exception leaves these functions: an error is
returned as a list [FAILED, name of its type, traceback, JavaScript's own error or None]."""

import asyncio
import importlib
import io
import os
import sys
import traceback
from asyncio import _get_running_loop, _set_running_loop
from contextvars import copy_context

from pyodide.ffi import JsException, create_proxy, run_sync, to_js

from . import kdf as _kdf  # noqa: F401, hashlib is whole before an application is imported

# What start() returns first in its list. A body in one chunk, with nothing to close, is returned as bytes.
CHUNK = 1  # the first chunk of a body
EMPTY = 2  # a body that has ended at once
FAILED = 3  # the application raised
BROKEN = 4  # the first step of its body raised

_buffer = None  # see connect_buffer()
_gateway = None  # functions of the JavaScript half, see connect()
_applications = {}  # by "module:name", and by the number of a middleware
_bodies = {}  # by the number of the request
_green = None  # the module, where several requests are served at a time
_loop = asyncio.new_event_loop()


class _Gateway:
    __slots__ = ("start", "write", "log", "pull", "signal", "wait_until", "kdf", "call", "step", "end")


def connect(*functions):
    """Takes the functions of the JavaScript half, in the order of _Gateway. Not at import: a snapshot can't hold them."""
    global _gateway
    _gateway = _Gateway()
    for name, function in zip(_Gateway.__slots__, functions):
        setattr(_gateway, name, function)


def connect_buffer(size):
    """Makes the memory through which start() gets its strings, and returns it."""
    global _buffer
    memory = bytearray(size)
    _buffer = memoryview(memory)  # it stays where it is while there is a view of it
    return memory


def use_green():
    """Makes threading.local belong to the request. Before the application is imported."""
    global _green
    from . import green

    _green = green


def _synchronous(function):
    # Pyodide always reports a running event loop, and Django refuses to work where there is one.
    def call(*args):
        loop = _get_running_loop()
        _set_running_loop(None)
        try:
            return function(*args)
        finally:
            _set_running_loop(loop)

    return call


def _asyncio_run(main, *, debug=None, loop_factory=None):
    # Pyodide's own looks for the loop that _synchronous hides.
    hidden = _get_running_loop()
    _set_running_loop(_loop)
    try:
        return _loop.run_until_complete(main)
    finally:
        _set_running_loop(hidden)


asyncio.run = asyncio.runners.run = _asyncio_run


def _failure(kind, error):
    own = error.__traceback__
    while own is not None and own.tb_frame.f_globals is globals():
        own = own.tb_next
    text = "".join(traceback.format_exception(type(error), error, own))
    return to_js([kind, type(error).__name__, text, _js_error(error)])


def _js_error(error):
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, JsException):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def _find(spec):
    module, _, name = spec.partition(":")
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{spec} is not callable: {type(found).__name__}")
    return found


@_synchronous
def load(spec):
    """Imports "module:name" and keeps it under that name. Returns None or an error."""
    try:
        if spec not in _applications:
            _applications[spec] = _find(spec)
    except BaseException as error:
        return _failure(FAILED, error)


@_synchronous
def load_middleware(spec, key):
    """Calls the factory "module:name" with the application of TypeScript whose number is `key`."""
    try:
        if key not in _applications:
            from .foreign import Foreign

            _applications[key] = _find(spec)(Foreign(key))
    except BaseException as error:
        return _failure(FAILED, error)


def set_environment(packed):
    """Sets variables in os.environ, from "name\\0value\\0name\\0value"."""
    items = packed.split("\0")
    os.environ.update(zip(items[::2], items[1::2]))


def reseed():
    """A snapshot holds the state of `random`: without this, each isolate would go through the same numbers."""
    if "random" in sys.modules:
        sys.modules["random"].seed()


class Disconnected(ConnectionResetError):
    """The client went away."""


def _wait(value):
    """The value of a promise; anything else as it is."""
    if not isinstance(value, asyncio.Future):  # what Pyodide makes of a promise that a function returns
        return value
    try:
        return run_sync(value)
    except JsException as error:
        if error.name == "ClientDisconnected":
            raise Disconnected(error.message) from error
        raise


class Errors:
    """wsgi.errors. Not an io.TextIOBase, whose end is a flush() of its own for each request."""

    encoding = "utf-8"
    closed = False

    def __init__(self, request):
        self._request = request

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"wsgi.errors takes str, not {type(text).__name__}")
        _gateway.log(self._request, text)
        return len(text)

    def writelines(self, texts):
        for text in texts:
            self.write(text)

    def flush(self):
        _gateway.log(self._request, None)

    def isatty(self):
        return False


class Input(io.RawIOBase):
    """wsgi.input over the stream of the platform; each read waits for it (JSPI)."""

    def __init__(self, request):
        self._request = request

    def readable(self):
        return True

    def readinto(self, buffer):
        # A BufferedReader asks for more than its own size only when the application wants all of that.
        size = len(buffer)
        data = _wait(_gateway.pull(self._request, size if size > INPUT_BUFFER else 1, size)).to_bytes()
        buffer[: len(data)] = data
        return len(data)

    def readall(self):
        return _wait(_gateway.pull(self._request, None, None)).to_bytes()


INPUT_BUFFER = 16_384


class Signal:
    """wsgi_edge.signal. Its proxy is made when it is used: one for each request would cost more than the rest."""

    def __init__(self, request):
        self._request = request

    def __getattr__(self, name):
        return getattr(_gateway.signal(self._request), name)


def _wait_until(request):
    def wait_until(awaitable):
        # An argument is destroyed when the call returns, unless it is a proxy of its own.
        _gateway.wait_until(request, create_proxy(asyncio.ensure_future(awaitable, loop=_loop)))

    return wait_until


class FileWrapper:
    """wsgi.file_wrapper"""

    def __init__(self, filelike, blksize=65_536):
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.blksize)
        if data:
            return data
        raise StopIteration


_BASE = {
    "wsgi.version": (1, 0),
    "wsgi.multithread": False,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
    "wsgi.file_wrapper": FileWrapper,
}


class _Body:
    __slots__ = ("context", "iterable", "iterator")


def _named(value):
    return "None" if value is None else type(value).__name__


def _chunk(chunk, what="a chunk of the body"):
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, str):
        advice = "; encode it: text.encode()"
    elif isinstance(chunk, (bytearray, memoryview)):
        advice = "; make it bytes(...)"
    elif isinstance(chunk, int):
        advice = "; is it bytes that were returned, not [bytes]?"
    else:
        advice = ""
    raise TypeError(f'application: {what} must be bytes, not {_named(chunk)}{advice} (PEP 3333, "A Note On String Types")')


_START = '(PEP 3333, "The start_response() Callable")'


def _pack(status, headers):
    if not isinstance(status, str):
        raise TypeError(f'application: status must be a str such as "200 OK", not {_named(status)} {_START}')
    if not isinstance(headers, list):
        raise TypeError(f"application: headers must be a list of (name, value) tuples, not {_named(headers)} {_START}")
    parts = [status]
    for header in headers:
        if not isinstance(header, tuple) or len(header) != 2:
            raise TypeError(f"application: header {header!r:.60} is not a tuple (name, value) {_START}")
        name, value = header
        if not isinstance(name, str):
            raise TypeError(f"application: header name must be str, not {_named(name)} {_START}")
        if not isinstance(value, str):
            raise TypeError(f'application: header value for "{name}" must be str, not {_named(value)} {_START}')
        parts.append(name)
        parts.append(value)
    packed = "\0".join(parts)
    if packed.count("\0") >= len(parts):
        raise ValueError(f"application: status or headers contain NUL {_START}")
    return packed


class WsgiError(AssertionError):
    """The application broke a rule of PEP 3333."""


def _start_response(request):
    def write(data):
        # Where nobody can wait, there is no promise: the gateway keeps the data in order.
        _wait(_gateway.write(request, to_js(_chunk(data, "what write() is given"))))

    def start_response(status, headers, exc_info=None):
        try:
            packed = _pack(status, headers)
            text = "".join(traceback.format_exception(*exc_info)) if exc_info else None
            refusal = _gateway.start(request, packed, text)
            if refusal is None:
                return write
            if refusal is not True:
                raise WsgiError(refusal)
            if isinstance(exc_info[1], BaseException):
                raise exc_info[1].with_traceback(exc_info[2])
            raise WsgiError(f"application: start_response was given exc_info after the first bytes {_START}")
        finally:
            exc_info = None  # a cycle with the traceback (PEP 3333, "Error Handling")

    return start_response


@_synchronous
def start(request, application, packed, body, names, *values):
    """Calls an application.

    packed: the strings of environ, "name\\0value\\0name\\0value", or how many bytes of _buffer they take;
    names, values: the rest of it; body: bytes as a JsBuffer, None for nothing, True for a stream.
    """
    context = copy_context()  # for one request alone: Flask, Django and others keep it there
    if _green is not None:
        context.run(_green.new_request)
    return context.run(_start, context, request, application, packed, body, names, values)


def _start(context, request, application, packed, body, names, values):
    if type(packed) is int:
        packed = str(_buffer[:packed], "utf-8")
    fields = packed.split("\0")
    environ = dict(zip(fields[::2], fields[1::2]))
    if values:
        environ.update(zip(names.split("\0"), values))
    environ.update(_BASE)
    environ["wsgi.errors"] = Errors(request)
    environ["wsgi_edge.wait_until"] = _wait_until(request)
    environ["wsgi_edge.signal"] = Signal(request)
    if type(application) is int:
        environ["wsgi_edge.request"] = request  # for foreign.py
    if body is None:
        environ["wsgi.input"] = io.BytesIO()
    elif body is True:
        environ["wsgi.input"] = io.BufferedReader(Input(request), INPUT_BUFFER)
    else:
        environ["wsgi.input"] = io.BytesIO(body.to_bytes())
    try:
        result = _applications[application](environ, _start_response(request))
        kind = type(result)
        if kind is list or kind is tuple:
            for chunk in result:
                _chunk(chunk)
            return to_js(result[0] if len(result) == 1 else b"".join(result))
    except BaseException as error:
        return _failure(FAILED, error)
    made = _bodies[request] = _Body()
    made.context = context
    made.iterable = result
    try:
        made.iterator = _iterator(result)
        return to_js([CHUNK, _chunk(next(made.iterator))])
    except StopIteration:
        return to_js([EMPTY])
    except BaseException as error:
        return _failure(BROKEN, error)


def _iterator(result):
    if isinstance(result, (str, bytes)) or not hasattr(type(result), "__iter__") and not hasattr(type(result), "__getitem__"):
        advice = {str: "; return [text.encode()]", bytes: "; return [data]"}.get(type(result), "")
        if result is None:
            advice = "; is a return missing? An empty body is []"
        raise TypeError(
            f'application: must return an iterable of bytes, not {_named(result)}{advice} (PEP 3333, "Specification Details")'
        )
    return iter(result)


@_synchronous
def next_chunk(request):
    """Returns the next chunk, None at the end, or an error."""
    body = _bodies[request]
    return body.context.run(_next_chunk, body)


def _next_chunk(body):
    try:
        return to_js(_chunk(next(body.iterator)))
    except StopIteration:
        return None
    except BaseException as error:
        return _failure(FAILED, error)


@_synchronous
def close(request):
    """Ends the body. Returns None or an error."""
    body = _bodies.pop(request, None)
    if body is not None:
        return body.context.run(_close, body)


def _close(body):
    iterable = body.iterable
    body.iterable = body.iterator = None
    try:
        if hasattr(iterable, "close"):
            iterable.close()
    except BaseException as error:
        return _failure(FAILED, error)
