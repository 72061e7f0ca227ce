"""Django's file storage on R2.

    STORAGES = {"default": {"BACKEND": "wsgi_edge.django.storage.R2Storage", "OPTIONS": {"binding": "BUCKET"}}, ...}
"""

import datetime
import mimetypes
from io import BytesIO
from urllib.parse import quote, urljoin

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils import timezone
from django.utils.deconstruct import deconstructible
from js import Object
from pyodide.ffi import jsnull, run_sync, to_js

from ..current import binding


def _options(**options):
    return to_js(options, dict_converter=Object.fromEntries)


class R2File(File):
    """A file of R2. It is read as a whole when it is first used, and written when it is closed."""

    def __init__(self, storage, name, mode):
        self._storage, self.name, self.mode = storage, name, mode
        self._file = BytesIO() if "w" in mode else None

    @property
    def file(self):
        if self._file is None:
            self._file = BytesIO(self._storage._read(self.name))
        return self._file

    @property
    def size(self):
        return len(self.file.getbuffer())

    def close(self):
        if self._file is not None and not self._file.closed:
            if "w" in self.mode:
                self._storage._write(self.name, self._file.getvalue())
            self._file.close()


@deconstructible(path="wsgi_edge.django.storage.R2Storage")
class R2Storage(Storage):
    """Keeps files in an R2 bucket.

    `binding` is the name of the binding in wrangler.toml, `location` a prefix for all keys. `base_url` is where the bucket is
    served, MEDIA_URL by default.
    """

    def __init__(self, binding="BUCKET", location="", base_url=None):
        self._binding = binding
        self._location = f"{location.strip('/')}/" if location.strip("/") else ""
        self._base_url = base_url

    @property
    def _bucket(self):
        return binding(self._binding)

    def _key(self, name):
        return self._location + str(name).replace("\\", "/")

    def _head(self, name):
        found = run_sync(self._bucket.head(self._key(name)))
        if found is None or found is jsnull:
            raise FileNotFoundError(f"R2 has no {self._key(name)}")
        return found

    def _read(self, name):
        found = run_sync(self._bucket.get(self._key(name)))
        if found is None or found is jsnull:
            raise FileNotFoundError(f"R2 has no {self._key(name)}")
        return run_sync(found.arrayBuffer()).to_bytes()

    def _write(self, name, data, content_type=None):
        kind = content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        run_sync(self._bucket.put(self._key(name), to_js(data), _options(httpMetadata={"contentType": kind})))

    def _open(self, name, mode="rb"):
        if mode not in ("rb", "wb"):
            raise ValueError(f"R2 has whole objects, so files are opened with rb or wb, not {mode}")
        file = R2File(self, name, mode)
        if mode == "rb":
            self._head(name)
        return file

    def _save(self, name, content):
        if hasattr(content, "seek") and content.seekable():
            content.seek(0)
        data = content.read()
        self._write(name, data.encode() if isinstance(data, str) else data, getattr(content, "content_type", None))
        return name

    def delete(self, name):
        run_sync(self._bucket.delete(self._key(name)))

    def exists(self, name):
        try:
            self._head(name)
        except FileNotFoundError:
            return False
        return True

    def listdir(self, path):
        prefix = self._key(path).rstrip("/") + "/" if str(path).strip("/") else self._location
        folders, files, cursor = [], [], None
        while True:
            paging = {"cursor": cursor} if cursor else {}
            page = run_sync(self._bucket.list(_options(prefix=prefix, delimiter="/", **paging)))
            folders += [each[len(prefix) : -1] for each in page.delimitedPrefixes]
            files += [each.key[len(prefix) :] for each in page.objects]
            if not page.truncated:
                return folders, files
            cursor = page.cursor

    def size(self, name):
        return self._head(name).size

    def url(self, name):
        base = settings.MEDIA_URL if self._base_url is None else self._base_url
        if not base:
            raise ValueError("R2Storage needs base_url, or MEDIA_URL in the settings: the address where the bucket is served")
        return urljoin(base, quote(self._key(name)))

    def get_modified_time(self, name):
        seconds = self._head(name).uploaded.getTime() / 1000
        time = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        return time if settings.USE_TZ else timezone.make_naive(time)

    get_created_time = get_modified_time
