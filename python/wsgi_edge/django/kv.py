"""Django's cache on Workers KV, and with it sessions.

    CACHES = {"default": {"BACKEND": "wsgi_edge.django.kv.KVCache", "LOCATION": "KV"}}  # the name of the binding
    SESSION_ENGINE = "django.contrib.sessions.backends.cache"

KV is eventually consistent: another place may see an old value for a minute, and of two writers the last one wins, so `add` and
`incr` are no locks. https://developers.cloudflare.com/kv/concepts/how-kv-works/
"""

import pickle
import time

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from js import Object
from pyodide.ffi import jsnull, run_sync, to_js

from ..current import binding

SHORTEST = 60  # seconds; KV keeps no value for less
LONGEST_KEY = 512  # bytes


class KVCache(BaseCache):
    """A cache in a KV namespace. Values are pickled, as Django's other caches do."""

    def __init__(self, name, params):
        super().__init__(params)
        self._binding = name

    @property
    def _kv(self):
        return binding(self._binding)

    def _key(self, key, version):
        made = self.make_and_validate_key(key, version=version)
        if len(made.encode()) > LONGEST_KEY:
            raise ValueError(f"KV takes keys of at most {LONGEST_KEY} bytes: {made:.60}…")
        return made

    def get(self, key, default=None, version=None):
        data = run_sync(self._kv.get(self._key(key, version), "arrayBuffer"))
        if data is None or data is jsnull:
            return default
        expires, value = pickle.loads(data.to_bytes())
        return default if expires is not None and expires <= time.time() else value

    def set(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        made = self._key(key, version)
        expires = self.get_backend_timeout(timeout)
        if expires is not None and expires <= time.time():
            run_sync(self._kv.delete(made))
            return
        # The value has the exact time as well, because KV keeps it for a minute at least.
        kept = {} if expires is None else {"expirationTtl": max(int(expires - time.time()) + 1, SHORTEST)}
        data = to_js(pickle.dumps((expires, value), pickle.HIGHEST_PROTOCOL))
        run_sync(self._kv.put(made, data, to_js(kept, dict_converter=Object.fromEntries)))

    def add(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        if self.has_key(key, version=version):
            return False
        self.set(key, value, timeout, version)
        return True

    def touch(self, key, timeout=DEFAULT_TIMEOUT, version=None):
        missing = object()
        value = self.get(key, missing, version)
        if value is missing:
            return False
        self.set(key, value, timeout, version)
        return True

    def delete(self, key, version=None):
        there = self.has_key(key, version=version)
        run_sync(self._kv.delete(self._key(key, version)))
        return there

    def has_key(self, key, version=None):
        missing = object()
        return self.get(key, missing, version) is not missing

    def clear(self):
        """Deletes the keys that begin with KEY_PREFIX and a colon. Others in the namespace stay."""
        options = {"prefix": f"{self.key_prefix}:"}
        while True:
            page = run_sync(self._kv.list(to_js(options, dict_converter=Object.fromEntries)))
            for each in page.keys:
                run_sync(self._kv.delete(each.name))
            if page.list_complete:
                return
            options["cursor"] = page.cursor
