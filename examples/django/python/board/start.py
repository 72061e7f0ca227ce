"""The parts of the start that need the environment. They run before the first response, and again if they have failed."""

import functools
import os
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from .database import database

# The migrations are imported here, and so are in the snapshot.
MIGRATIONS = set(MigrationLoader(None).graph.nodes)
LOCK = 8290  # any number that nothing else uses as an advisory lock of this database


@functools.cache
def before_first_request():
    use_database()
    applied = set(MigrationRecorder(connection).applied_migrations())
    if not MIGRATIONS <= applied or os.environ.get("DJANGO_SUPERUSER_PASSWORD"):
        with locked():
            # Each migration is one transaction, so an interrupted one leaves nothing behind.
            call_command("migrate", verbosity=0, interactive=False)
            create_superuser()


def use_database():
    """Takes DATABASE_URL, which the snapshot does not have."""
    url = os.environ.get("DATABASE_URL")
    connections.settings = connections.configure_settings({"default": database(url, settings.DATA)})
    connections["default"] = connections.create_connection("default")


@contextmanager
def locked():
    """Keeps two instances from migrating PostgreSQL at the same time. A file of SQLite belongs to one instance."""
    if connection.vendor == "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def create_superuser():
    """Makes the account of DJANGO_SUPERUSER_USERNAME, _EMAIL and _PASSWORD, unless there is a superuser."""
    if os.environ.get("DJANGO_SUPERUSER_PASSWORD") and not get_user_model().objects.filter(is_superuser=True).exists():
        call_command("createsuperuser", interactive=False, verbosity=0)
