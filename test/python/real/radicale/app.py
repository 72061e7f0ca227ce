import os
import sys
import types

for name in ("grp", "pwd"):
    try:
        __import__(name)
    except ImportError:  # Pyodide has no users; Radicale names the owner of a file in warnings only
        sys.modules[name] = types.ModuleType(name)

from radicale import config  # noqa: E402
from radicale.app import Application  # noqa: E402

configuration = config.load()
configuration.update(
    {
        "storage": {"filesystem_folder": os.environ.get("REAL_DATA", "/tmp/radicale"), "_filesystem_fsync": "False"},
        "auth": {"type": "none"},
        "rights": {"type": "owner_only"},
        "logging": {"level": "error"},
    },
    "app.py",
    privileged=True,
)
app = Application(configuration)
