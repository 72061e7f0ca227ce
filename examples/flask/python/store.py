"""Where values are kept: in KV on Cloudflare Workers, in the memory of the interpreter elsewhere."""

import json

from flask import request

_memory = {}


def _kv():
    # The binding STORE of wrangler.toml.
    env = request.environ.get("workers.env")
    return None if env is None else env.STORE


def get_bytes(key):
    """The bytes of a key, or None."""
    kv = _kv()
    if kv is None:
        return _memory.get(key)
    from pyodide.ffi import run_sync

    buffer = run_sync(kv.get(key, "arrayBuffer"))
    return buffer.to_bytes() if hasattr(buffer, "to_bytes") else None


def put_bytes(key, data):
    kv = _kv()
    if kv is None:
        _memory[key] = data
        return
    from pyodide.ffi import run_sync, to_js

    run_sync(kv.put(key, to_js(data)))


def get(key, default=None):
    """The JSON value of a key."""
    data = get_bytes(key)
    return default if data is None else json.loads(data)


def put(key, value):
    put_bytes(key, json.dumps(value).encode())
