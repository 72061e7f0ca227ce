"""Uses the socket, the files and the log of its interpreter in one request."""

import asyncio
import logging
import os
import socket

from pyodide.ffi import run_sync

kept = []


def app(environ, start_response):
    port, _, then = environ["QUERY_STRING"].partition("&")
    kept.append(socket.create_connection(("127.0.0.1", int(port))))
    greeting = kept[-1].recv(5)
    with open("/data/visits", "ab") as file:
        file.write(greeting)
    logging.warning("visited on %s", environ["PATH_INFO"])
    if then == "die":
        os._exit(3)
    while then == "stay":  # although it is interrupted
        try:
            run_sync(asyncio.sleep(3600))
        except Exception:
            pass
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [greeting]
