"""How much is alive in the interpreter."""

import gc


def objects(environ, start_response):
    """The number of objects that the collector knows."""
    gc.collect()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(gc.get_objects())).encode()]
