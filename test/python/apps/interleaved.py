"""The same as interleaved-app.ts."""

import logging

logging.basicConfig(level=logging.INFO, format="%(message)s")


def app(environ, start_response):
    path = environ["PATH_INFO"]
    logging.info("begin %s", path)
    print("end", path)
    if path.startswith("/boom"):
        raise ValueError("boom " + path)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi_edge.request_id"].encode()]
