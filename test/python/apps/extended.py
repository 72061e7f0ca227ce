"""Uses extension modules: msgpack, whose import is in the snapshot, and Pydantic's, which is imported by the first request."""

import importlib.util
import sys

import msgpack


def packed():
    return msgpack.Packer.__module__, msgpack.unpackb(msgpack.packb({"é": [1, 2.5, None]}))


def validated():
    from datetime import date

    from pydantic import BaseModel, ValidationError

    class Item(BaseModel):
        name: str
        price: float
        day: date | None = None

    try:
        Item.model_validate_json('{"name": 1, "price": "x"}')
    except ValidationError as error:
        wrong = error.error_count()
    return wrong, Item.model_validate({"name": "é", "price": "2.5", "day": "2026-01-31"}).model_dump_json()


def again():
    """Looks for a symbol of a library whose handle is in the snapshot."""
    file = sys.modules["msgpack._cmsgpack"].__file__
    spec = importlib.util.spec_from_file_location("copy._cmsgpack", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.__name__, module.Packer().pack([1])


def recursion():
    def default(value):
        return msgpack.packb(value, default=default)

    msgpack.packb(object(), default=default)


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        result = globals()[environ["PATH_INFO"][1:]]()
    except Exception as error:
        result = type(error).__name__
    return [repr(result).encode()]
