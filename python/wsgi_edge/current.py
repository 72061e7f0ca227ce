"""The request that is being served."""

from contextvars import ContextVar

_environ = ContextVar("wsgi_edge_environ")
set_environ = _environ.set


def environ():
    """Returns the environ of the request that is being served. Raises RuntimeError outside of a request."""
    try:
        return _environ.get()
    except LookupError:
        raise RuntimeError("there is no request: bindings belong to one, so use them in views, not at import") from None


def binding(name):
    """Returns a binding of the Worker, such as `binding("DB")`. Raises KeyError if the Worker has none of this name, and
    RuntimeError outside of a request.

    Example: `run_sync(binding("KV").get("name"))`
    """
    env = environ().get("workers.env")
    value = getattr(env, name, None)
    if value is None:
        raise KeyError(f"the Worker has no binding {name}: see its wrangler.toml")
    return value
