import os

from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp

FOLDER = os.environ.get("REAL_DATA", "/tmp/dav")
os.makedirs(FOLDER, exist_ok=True)

app = WsgiDAVApp(
    {
        "provider_mapping": {"/": FilesystemProvider(FOLDER)},
        "simple_dc": {"user_mapping": {"*": True}},
        "property_manager": True,
        "lock_storage": True,
        "verbose": 0,
    }
)
