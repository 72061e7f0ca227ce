"""Serves requests: start(), then next_chunk() until the end, then close(). python/bridge/wire.ts lists the messages between
the two halves of the gateway, their fields and who sends them; it has the same constants."""

import asyncio
import importlib
import io
import os
import sys
import traceback
from asyncio import _get_running_loop, _set_running_loop
from contextvars import copy_context

from pyodide.ffi import JsException, create_proxy, run_sync, to_js

from . import asgi as _asgi  # noqa: F401, completes asgiref
from . import cloudflare as _cloudflare  # noqa: F401, completes packages of Cloudflare
from . import current as _current
from . import kdf as _kdf  # noqa: F401, completes hashlib before an application is imported
from . import log as _log
from . import sockets as _sockets  # noqa: F401, completes socket and ssl

# As in python/bridge/wire.ts.
CHUNK = 1
EMPTY = 2
FAILED = 3
BROKEN = 4
NUL = "\0"
WARM_UP = 0
CLIENT_DISCONNECTED = "ClientDisconnected"

_buffer = None  # see connect_buffer()
_gateway = None  # functions of the JavaScript half, see connect()
_applications = {}  # by "module:name", key of a middleware, or WARM_UP
_bodies = {}  # by the number of the request
# One of the two modules has been imported before everything else (bootPython).
_green = sys.modules.get("wsgi_edge.green")  # several requests are served at a time
_threads = sys.modules.get("wsgi_edge.threads")  # requests take turns between chunks only
_loop = asyncio.new_event_loop()


class _Gateway:
    __slots__ = ("start", "write", "log", "print", "pull", "signal", "wait_until", "kdf", "call", "step", "end")


def connect(names, *functions):
    """Takes the functions of the JavaScript half."""
    global _gateway
    _gateway = _Gateway()
    for name, function in zip(names.split(NUL), functions):
        setattr(_gateway, name, function)
    _log.gateway = _gateway


def connect_buffer(size):
    """Makes the memory through which start() gets its strings, and returns it."""
    global _buffer
    memory = bytearray(size)
    _buffer = memoryview(memory)  # a bytearray does not move while there is a view of it
    return memory


def _synchronous(function):
    # Pyodide always reports a running event loop, and Django refuses to work while there is one.
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
    text = _traceback(error, own)
    return to_js([kind, type(error).__name__, text, _js_error(error)])


def _traceback(error, frames):
    """Formats a traceback. Messages and notes may have text of a client, which must not begin lines of the log."""
    whole = traceback.TracebackException(type(error), error, frames, compact=True)
    parts = [whole]
    for part in parts:
        part._str = _one_line(part._str)
        if isinstance(part.__notes__, (list, tuple)):
            part.__notes__ = ["note: " + _one_line(traceback._safe_string(note, "note")) for note in part.__notes__]
        for name in ("filename", "text", "msg"):  # of a SyntaxError
            if isinstance(getattr(part, name, None), str):
                setattr(part, name, _one_line(getattr(part, name).rstrip("\n")))
        parts += filter(None, (part.__cause__, part.__context__, *(part.exceptions or ())))
    return "".join(whole.format())


def _one_line(text):
    return text.replace("\r", "\\x0d").replace("\n", "\\n")


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
    """Imports "module:name" and keeps it under that name. Returns None or a failure."""
    try:
        if spec not in _applications:
            _applications[spec] = _find(spec)
    except BaseException as error:
        return _failure(FAILED, error)


@_synchronous
def load_middleware(spec, key):
    """Calls the factory "module:name" with an application of TypeScript, and keeps the result under `key`. Returns None or a
    failure."""
    try:
        if key not in _applications:
            from .foreign import Foreign

            _applications[key] = _find(spec)(Foreign(key))
    except BaseException as error:
        return _failure(FAILED, error)


def set_environment(packed):
    """Sets variables in os.environ."""
    items = packed.split(NUL)
    os.environ.update(zip(items[::2], items[1::2]))


def reseed():
    """Gives `random` a new seed. A snapshot holds its state, so all isolates would draw the same numbers."""
    if "random" in sys.modules:
        sys.modules["random"].seed()


class Disconnected(ConnectionResetError):
    """The client went away."""


def _wait(value):
    """Waits for a promise, and returns its value; returns anything else as it is."""
    if not isinstance(value, asyncio.Future):  # Pyodide makes a Future of a promise that a function returns
        return value
    try:
        return run_sync(value)
    except JsException as error:
        if error.name == CLIENT_DISCONNECTED:
            raise Disconnected(error.message) from error
        raise


class Errors:
    """wsgi.errors. An io.TextIOBase would call flush() once more when it is collected, for each request."""

    encoding = "utf-8"
    closed = False

    def __init__(self, request):
        self._request = request

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"wsgi.errors takes str, not {type(text).__name__}")
        _gateway.log(self._request, text, _log.level_of(sys._getframe(1)))
        return len(text)

    def writelines(self, texts):
        for text in texts:
            self.write(text)

    def flush(self):
        _gateway.log(self._request, None)

    def isatty(self):
        return False


class Input(io.RawIOBase):
    """wsgi.input over the stream of the platform. Each read waits for a promise (JSPI)."""

    def __init__(self, request):
        self._request = request

    def readable(self):
        return True

    def readinto(self, buffer):
        # A BufferedReader asks for more than its own size only if the application wants all of it.
        size = len(buffer)
        data = _wait(_gateway.pull(self._request, size if size > INPUT_BUFFER else 1, size)).to_bytes()
        buffer[: len(data)] = data
        return len(data)

    def readall(self):
        return _wait(_gateway.pull(self._request, None, None)).to_bytes()


INPUT_BUFFER = 16_384


class Signal:
    """wsgi_edge.signal. Its proxy is made at its first use: one for each request would cost more than the rest."""

    def __init__(self, request):
        self._request = request

    def __getattr__(self, name):
        return getattr(_gateway.signal(self._request), name)


def _wait_until(request):
    def wait_until(awaitable):
        # Pyodide destroys an argument when the call returns, unless it is a proxy already.
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


def _in_turn(function):
    """A call into a request, for which threading.local has the values of the request."""

    @_synchronous
    def call(request, *args):
        if _threads is None or not _threads.enter(request):
            return function(request, *args)
        try:
            return function(request, *args)
        finally:
            _threads.leave(request in _bodies)

    return call


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
    packed = NUL.join(parts)
    if packed.count(NUL) >= len(parts):
        raise ValueError(f"application: status or headers contain NUL {_START}")
    return packed


def _call(status, headers, exc_info):
    """Returns what the gateway hears of a call of start_response, and the error if the call breaks a rule of types. The
    gateway hears of such a call as well: it counts as a call, and the head that it was to replace must not go out."""
    packed = fault = None
    text = "" if exc_info else None
    try:
        if exc_info:
            _, error, frames = exc_info
            text = _traceback(error, frames)
        packed = _pack(status, headers)
    except Exception as problem:
        fault = problem
    return packed, text, fault


class WsgiError(AssertionError):
    """The application broke a rule of PEP 3333."""


def _start_response(request):
    def write(data):
        _wait(_gateway.write(request, to_js(_chunk(data, "the argument of write()"))))

    def start_response(status, headers, exc_info=None):
        packed, text, fault = _call(status, headers, exc_info)
        try:
            refusal = _gateway.start(request, packed, text)
            if refusal is True and text and isinstance(exc_info[1], BaseException):
                raise exc_info[1].with_traceback(exc_info[2])
            if fault is not None:
                raise fault
            if refusal is None:
                return write
            if refusal is not True:
                raise WsgiError(refusal)
            raise WsgiError(f"application: start_response was given exc_info after the first bytes {_START}")
        finally:
            exc_info = fault = None  # breaks the cycle with the traceback (PEP 3333, "Error Handling")

    return start_response


@_in_turn
def start(request, application, packed, body, names, *values):
    """Calls an application."""
    context = copy_context()  # one for each request: Flask, Django and others keep the request in it
    if _green is not None:
        context.run(_green.new_request)
    return context.run(_start, context, request, application, packed, body, names, values)


def _start(context, request, application, packed, body, names, values):
    if type(packed) is int:
        packed = str(_buffer[:packed], "utf-8")
    _log.request.set(request)
    fields = packed.split(NUL)
    environ = dict(zip(fields[::2], fields[1::2]))
    if values:
        environ.update(zip(names.split(NUL), values))
    environ.update(_BASE)
    _current.set_environ(environ)
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


@_in_turn
def next_chunk(request):
    """Returns the next chunk, None at the end, or a failure."""
    body = _bodies[request]
    return body.context.run(_next_chunk, body)


def _next_chunk(body):
    try:
        return to_js(_chunk(next(body.iterator)))
    except StopIteration:
        return None
    except BaseException as error:
        return _failure(FAILED, error)


@_in_turn
def close(request):
    """Ends the body. Returns None or a failure."""
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
