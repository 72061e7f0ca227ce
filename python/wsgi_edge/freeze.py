"""The build runs these functions in the interpreter whose snapshot it takes."""

import gc
import importlib
import linecache
import sys

from . import bridge, foreign, warm  # noqa: F401


def prepare(spec, modules):
    """Imports `modules`, and the application unless `spec` is None, and drops what the imports left over."""
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:
            pass  # it needs something that the application does before
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
    """The names of frozen values that look as if they should differ between interpreters."""
    import random

    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if not file.startswith("/app/"):
            continue
        for key, value in vars(module).items():
            # A lazy object of Django would compute its value to answer isinstance().
            if issubclass(type(value), random.Random):
                found.append(f"{name}.{key}")
    return "\n".join(found)
