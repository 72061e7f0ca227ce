"""Names the native library that the build has left out when an import fails for want of it."""

import os
import sys


class _Dropped:
    """A finder that comes after all others."""

    def __init__(self, files):
        self._files = files

    def find_spec(self, name, path=None, target=None):
        file = self._files.get(name)
        # importlib.util.find_spec() must not raise: it answers whether there is such a module.
        if file is None or sys._getframe(2).f_code.co_name != "_find_and_load_unlocked":
            return None
        # It has no `name`, because `from package import module` replaces an error that has the name of the module.
        raise ModuleNotFoundError(
            f"{name} is native code, which can not run here: wsgi-edge build-python left out {file}", path=file
        )


_LIST = "/packages/wsgi_edge/dropped.txt"
if os.path.exists(_LIST):
    with open(_LIST, encoding="utf-8") as lines:
        sys.meta_path.append(_Dropped(dict(line.rstrip("\n").split(" ", 1) for line in lines)))
