"""The build runs this in an interpreter that it throws away, on a machine without uv and pip: an application that runs pip."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout

# pip has copies of these packages. Its requests go through sockets (sockets.py), and the platform's certificates hold (tls.py).
sys.modules["pip._vendor.urllib3.contrib.emscripten"] = sys.modules["urllib3.contrib.emscripten"]
from pip._vendor import certifi

sys.modules["certifi"] = certifi
from pip._internal.cli.main import main


def app(environ, start_response):
    """Answers with the output of pip, and with 500 if it failed. `wsgi_edge.arguments` has its arguments, one on a line."""
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        try:
            code = main(environ["wsgi_edge.arguments"].split("\n"))
        except SystemExit as exit:
            code = exit.code
    start_response("500 Internal Server Error" if code else "200 OK", [("Content-Type", "text/plain")])
    return [output.getvalue().encode()]
