"""Logs the id of its invocation in each way, and answers with it."""

import logging

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("ids")


def app(environ, start_response):
    own = environ["aws.request_id"]
    log.info("logging of %s", own)
    print("print of", own)
    if environ["PATH_INFO"] == "/boom":
        raise ValueError("boom of " + own)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [own.encode()]
