"""Answers one request for the login page of the admin with native CPython, and prints its status and the CPU time in µs."""

import io
import os
import sys
import time
from wsgiref.handlers import SimpleHandler
from wsgiref.util import setup_testing_defaults

from django.core.wsgi import get_wsgi_application

environ = {"PATH_INFO": "/admin/login/", "HTTP_HOST": "127.0.0.1"}
setup_testing_defaults(environ)
out = io.BytesIO()
handler = SimpleHandler(io.BytesIO(), out, sys.stderr, environ)
handler.os_environ = {}
handler.run(get_wsgi_application())
assert b"csrfmiddlewaretoken" in out.getvalue()
os.write(1, out.getvalue()[9:12] + f" {int(time.process_time() * 1e6)}".encode())
