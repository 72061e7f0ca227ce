"""Serves the WorkerEntrypoint of an example for Cloudflare's own Python as a WSGI application."""

from entry import Default
from pyodide.ffi import run_sync


def app(environ, start_response):
    env = environ["workers.env"]
    response = run_sync(Default(environ["workers.ctx"], env).fetch(environ["workers.request"], env))
    start_response(f"{response.status} Status", [("Content-Type", response.headers.get("Content-Type") or "text/plain")])
    return [run_sync(response.text()).encode()]
