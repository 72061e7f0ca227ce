"""The build runs this in an interpreter that it throws away: it finds the static files of an application, and the URL of each.
Django's are collected by its own collectstatic, Flask's are in the folders of its routes."""

import os
import sys
from concurrent.futures import Executor, Future
from urllib.parse import unquote, urlsplit

from pyodide.ffi import to_js

from . import bridge

_FLASK = "<path:filename>"
_SHARED = ("", "/app", "/packages")  # folders with modules


class _Found:
    def __init__(self):
        self.files = {}  # by URL path: the path of the file, and the time of its last change
        self.left = set()  # the paths of files that the application need not have
        self.folders = []  # folders whose files it need not have
        self.shipped = []  # files that it needs in addition
        self.remarks = []

    def add(self, url, file, modified=None):
        # The build compiles scripts for the browser (PyScript) too.
        if not file.endswith(".pyc"):
            self.files.setdefault(url, (file, modified))


@bridge._synchronous
def collect(spec):
    """Imports the application "module:name". Returns its static files (URL path, bytes, seconds since 1970), the paths of
    files and of folders that it need not have, files that it needs in addition (path, bytes), and remarks."""
    found = _Found()
    for prefix, application in _inside(bridge._find(spec), "", set()):
        _of_flask(application, prefix, found)
    registry = sys.modules.get("django.apps")
    if registry is not None and registry.apps.ready:
        _of_django(found)
    if not found.files and not found.remarks:
        found.remarks.append("it is neither an application of Flask with a static folder, nor one of Django")
    newest = max((modified for _, modified in found.files.values() if modified), default=0)
    files = [[url, _read(file), modified or newest] for url, (file, modified) in sorted(found.files.items())]
    return to_js([files, sorted(found.left), found.folders, found.shipped, found.remarks])


def _read(file):
    with open(file, "rb") as opened:
        return opened.read()


def _inside(application, prefix, seen):
    """The application, and those that Werkzeug's and WhiteNoise's middleware have inside, with their URL prefixes."""
    if id(application) in seen:
        return
    seen.add(id(application))
    yield prefix, application
    mounts = getattr(application, "mounts", None)
    inner = list(mounts.items()) if isinstance(mounts, dict) else []
    inner += [("", getattr(application, name, None)) for name in ("app", "application")]
    for path, each in inner:
        if callable(each):
            yield from _inside(each, prefix + path, seen)


def _of_flask(application, prefix, found):
    flask = sys.modules.get("flask")
    if flask is None or not isinstance(application, flask.Flask):
        return
    folders = {}
    for rule in application.url_map.iter_rules():
        owner, _, endpoint = rule.endpoint.rpartition(".")
        folder = (application.blueprints.get(owner) if owner else application).static_folder if endpoint == "static" else None
        if folder is None or not rule.rule.endswith(_FLASK):
            continue
        start = prefix + rule.rule.removesuffix(_FLASK)
        if "<" in start:
            found.remarks.append(f"{folder} has URLs with variables, {start}, so the application serves its files itself")
        elif folder in _SHARED:
            found.remarks.append(f"{start} is the whole folder {folder}, so the application serves its files itself")
        else:
            folders.setdefault(start, folder)  # the first rule decides, as it does in Flask
    for start, folder in folders.items():
        longer = tuple(other for other in folders if other.startswith(start) and other != start)
        for file in _walk(folder):
            url = start + os.path.relpath(file, folder)
            if not longer or not url.startswith(longer):
                found.add(url, file, os.path.getmtime(file))
                found.left.add(file)


def _walk(folder):
    return [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]


def _of_django(found):
    from django.apps import apps
    from django.conf import settings

    if not apps.is_installed("django.contrib.staticfiles"):
        found.remarks.append("django.contrib.staticfiles is not in INSTALLED_APPS")
        return
    from django.contrib.staticfiles.storage import staticfiles_storage as storage
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import call_command

    for folder in settings.STATICFILES_DIRS:
        folder = folder[1] if isinstance(folder, (list, tuple)) else folder
        if not os.path.isdir(folder):
            found.remarks.append(f"STATICFILES_DIRS has {folder}, which is not below the folder of the application, or was left out")
    own = settings.STATIC_ROOT
    settings.STATIC_ROOT = own or "/static-root"
    try:
        location = storage.path("").rstrip("/")
    except NotImplementedError:
        found.remarks.append(f"{type(storage._wrapped).__name__} keeps Django's files outside: run manage.py collectstatic")
        return
    if location in _SHARED:
        raise ImproperlyConfigured(f"STATIC_ROOT, {location or '/'}, has other files too: choose a folder of its own")
    times = _times(found)
    _run_without_threads(lambda: call_command("collectstatic", interactive=False, verbosity=0, clear=True))

    manifest = None
    if hasattr(storage, "manifest_storage"):
        if not own:
            raise ImproperlyConfigured("STATIC_ROOT is not set, and the application looks for the manifest of its storage there")
        manifest = storage.manifest_storage.path(storage.manifest_name)
        found.shipped.append([manifest, _read(manifest)])
    base = urlsplit(storage.base_url)
    if base.netloc:
        found.remarks.append(f"STATIC_URL leads to {base.netloc}, so that host must serve the files")
    for file in _walk(location):
        if file != manifest:
            name = os.path.relpath(file, location)
            found.add(unquote(base.path) + name, file, times.get(name))
    found.folders.append(location)


def _times(found):
    """The times of the files that Django's finders find, by the names that collectstatic gives them."""
    from django.contrib.staticfiles.finders import get_finders

    times = {}
    for finder in get_finders():
        for path, storage in finder.list([]):
            prefix = getattr(storage, "prefix", None)
            file = storage.path(path)
            times.setdefault(os.path.join(prefix, path) if prefix else path, os.path.getmtime(file))
            found.left.add(file)
    return times


class _Inline(Executor):
    def __init__(self, *args, **options):
        pass

    def submit(self, function, /, *args, **options):
        future = Future()
        try:
            future.set_result(function(*args, **options))
        except Exception as error:
            future.set_exception(error)
        return future


def _run_without_threads(task):
    # WhiteNoise compresses in threads, which Pyodide does not have.
    import concurrent.futures

    concurrent.futures.ThreadPoolExecutor = _Inline
    if "whitenoise.storage" in sys.modules:
        sys.modules["whitenoise.storage"].ThreadPoolExecutor = _Inline
    task()
