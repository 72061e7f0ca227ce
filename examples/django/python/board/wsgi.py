"""The WSGI application. Its import is what the build freezes: a site that has started, except for its environment."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "board.settings")
site = get_wsgi_application()

from .start import before_first_request  # noqa: E402
from .warm import warm  # noqa: E402


def application(environ, start_response):
    before_first_request()
    return site(environ, start_response)


warm()
