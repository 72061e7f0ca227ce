"""Compiles modules with the very interpreter that will run them."""

import importlib.util
from importlib._bootstrap_external import _code_to_hash_pyc

from pyodide.ffi import to_js


def compile_source(source, filename, optimize):
    """The bytes of a .pyc, or what is wrong with the source as a str."""
    data = source.to_bytes()
    try:
        code = compile(data, filename, "exec", dont_inherit=True, optimize=optimize)
    except (SyntaxError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    # A hash that nobody checks: a source that lies beside it is of the same build.
    return to_js(bytes(_code_to_hash_pyc(code, importlib.util.source_hash(data), False)))
