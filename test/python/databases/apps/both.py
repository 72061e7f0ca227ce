"""Flask below /flask, Django below /django. Django reads its settings when it is imported, so the build freezes the packages only."""

import everything
from werkzeug.middleware.dispatcher import DispatcherMiddleware


def in_django_app(environ, start_response):
    import in_django

    return in_django.app(environ, start_response)


app = DispatcherMiddleware(everything.flask, {"/django": in_django_app})
