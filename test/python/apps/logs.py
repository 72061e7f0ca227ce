"""Writes to all logs that a Python application has."""

import logging
import sys

logging.basicConfig(level=logging.DEBUG, format="%(name)s: %(message)s")
log = logging.getLogger("shop")


def app(environ, start_response):
    name = environ["PATH_INFO"][1:]
    globals()["_" + name](environ)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [name.encode()]


def _levels(environ):
    log.debug("one")
    log.info("two\nlines")
    log.warning("three")
    log.error("four")
    log.critical("five")


def _exception(environ):
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("failed")


def _stderr(environ):
    print("to stderr", file=sys.stderr)


def _print(environ):
    print("one", 2)
    sys.stdout.write("no end")


def _handler(environ):
    own = logging.Logger("own")
    own.addHandler(logging.StreamHandler(environ["wsgi.errors"]))
    own.warning("to wsgi.errors")


def _errors(environ):
    environ["wsgi.errors"].write("as text\n")


def _boom(environ):
    raise ValueError("boom")
