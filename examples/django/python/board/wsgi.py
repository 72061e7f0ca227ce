"""The WSGI application. Its import is what the build freezes: a site that has started, with a migrated database."""

import os

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "board.settings")

# Serves /static/ from the applications' own folders, as `runserver` does.
application = StaticFilesHandler(get_wsgi_application())

call_command("migrate", verbosity=0, interactive=False)
