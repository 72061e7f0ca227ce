"""Lets packages for Cloudflare's own Python run here. Their module `workers` (workers-runtime-sdk on PyPI) gets the two modules of
Cloudflare's runtime that it imports; without that package, `from workers import env` works all the same."""

import sys
from types import ModuleType

from . import current


class _Env:
    """The bindings of the Worker, for the request that is being served."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(current.environ().get("workers.env"), name)


class _Workers:
    """The module "cloudflare:workers" of JavaScript."""

    @property
    def env(self):
        return current.environ()["workers.env"]

    @staticmethod
    def waitUntil(awaitable):
        current.environ()["wsgi_edge.wait_until"](awaitable)


def _helper(name):
    raise AttributeError(f"wsgi-edge has no {name}: only Cloudflare's own runtime for Python has it")


def _flag(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return False


_entrypoint = ModuleType("_pyodide_entrypoint_helper")
_entrypoint.cloudflareWorkersModule = _Workers()
_entrypoint.patchWaitUntil = lambda ctx: None
_entrypoint.__getattr__ = _helper
_flags = ModuleType("_cloudflare_compat_flags")
_flags.__getattr__ = _flag

for _module in (_entrypoint, _flags):
    sys.modules.setdefault(_module.__name__, _module)


class _Finder:
    """Finds `workers` if no package has it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "workers":
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, _Finder)

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        module.env = _Env()
        module.wait_until = module.waitUntil = _Workers.waitUntil


sys.meta_path.append(_Finder)
