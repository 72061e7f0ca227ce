"""What the build runs inside the interpreter of which it takes a snapshot."""

import gc
import importlib
import linecache
import sys

from . import bridge, foreign, warm  # noqa: F401


def prepare(spec, modules, concurrent):
    """Imports the application, or `modules` alone where `spec` is None, and drops what is left over from that."""
    if concurrent:
        bridge.use_green()
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:
            pass  # it needs something that the application does first
    if spec is not None:
        bridge._applications[spec] = bridge._synchronous(bridge._find)(spec)
    importlib.import_module("encodings.idna")  # Werkzeug encodes the host in its first request
    linecache.clearcache()
    gc.collect()
    gc.collect()
    gc.freeze()


def modules_outside(folder):
    """The names of the imported modules whose files are not below `folder`."""
    names = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and not file.startswith(folder + "/") and name != "__main__":
            names.append(name)
    return "\n".join(names)


def variables():
    """What is frozen and looks as if it should not be."""
    import random

    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if not file.startswith("/app/"):
            continue
        for key, value in vars(module).items():
            # Not isinstance, which a lazy object of Django answers by computing its value.
            if issubclass(type(value), random.Random):
                found.append(f"{name}.{key}")
    return "\n".join(found)
