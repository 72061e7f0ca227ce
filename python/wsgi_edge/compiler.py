"""Compiles modules with the interpreter that will run them."""

import importlib.util
import json
import tomllib
from importlib._bootstrap_external import _code_to_hash_pyc

from pyodide.ffi import to_js


def compile_source(source, filename, optimize):
    """Returns the bytes of a .pyc, or a str that says what is wrong with the source."""
    data = source.to_bytes()
    try:
        code = compile(data, filename, "exec", dont_inherit=True, optimize=optimize)
    except (SyntaxError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    # Unchecked: a source beside it comes from the same build.
    return to_js(bytes(_code_to_hash_pyc(code, importlib.util.source_hash(data), False)))


def parse_toml(text):
    """Returns the data as JSON. Dates become strings."""
    return json.dumps(tomllib.loads(text), default=str)
