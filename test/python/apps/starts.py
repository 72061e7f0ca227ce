"""Applications whose start_response breaks a rule of types, and that swallow the error."""

import sys

TEXT = [("Content-Type", "text/plain")]
WRONG = {
    "status": (200, TEXT),
    "headers": ("200 OK", {"Content-Type": "text/plain"}),
    "header": ("200 OK", [["Content-Type", "text/plain"]]),
    "value": ("200 OK", [("Content-Length", 5)]),
    "nul": ("200 OK", [("X-A", "a\0X-B")]),
}


def swallowing(start_response, *args):
    try:
        start_response(*args)
        raise AssertionError("accepted")
    except (TypeError, ValueError):
        pass


def second(environ, start_response):
    """A call that fails, and one that would be right without it."""
    swallowing(start_response, *WRONG[environ["QUERY_STRING"]])
    start_response("200 OK", TEXT)
    return [b"sent"]


def replaced(environ, start_response):
    """A head that should be replaced, by a call that fails."""
    start_response("200 OK", TEXT)
    try:
        raise KeyError("of the application")
    except KeyError:
        swallowing(start_response, *WRONG[environ["QUERY_STRING"]], sys.exc_info())
    return [b"sent"]


def without_exc_info(environ, start_response):
    """exc_info that is not what sys.exc_info() gives."""
    start_response("200 OK", TEXT)
    swallowing(start_response, "500 Internal Server Error", TEXT, True)
    return [b"sent"]


def late(environ, start_response):
    """A call that fails after the first bytes raises exc_info again, as a call that is right does."""
    start_response("200 OK", TEXT)
    yield b"first "
    try:
        raise KeyError("of the application")
    except KeyError:
        try:
            start_response(*WRONG[environ["QUERY_STRING"]], sys.exc_info())
        except KeyError:
            yield b"raised again"


def passing(app):
    """Middleware that hands everything on."""

    def middleware(environ, start_response):
        return app(environ, start_response)

    return middleware
