"""Small applications for the tests of the gateway."""


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello, " + environ["PATH_INFO"].encode("latin-1")]


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body[::-1]]


def lines(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    for i in range(3):
        yield b"line %d\n" % i


def boom(environ, start_response):
    raise ValueError("boom")


def random_number(environ, start_response):
    import random

    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(random.random()).encode()]
