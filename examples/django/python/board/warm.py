"""Work of the first requests that the build can do before: the snapshot then holds its results."""

from wsgiref.util import setup_testing_defaults

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIRequest
from django.template.loader import get_template


def warm():
    """Renders the first page of the admin, which compiles its templates and reads all URL patterns."""
    environ = {"PATH_INFO": "/admin/login/"}
    setup_testing_defaults(environ)
    request = WSGIRequest(environ)
    request.user = AnonymousUser()
    admin.site.login(request).render()
    get_template("board/index.html")
