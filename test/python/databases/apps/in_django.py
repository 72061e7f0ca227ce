"""A project of Django with two databases: PostgreSQL by pg8000 (the backend django_pg8000), MariaDB by PyMySQL."""

import asyncio
import os
import traceback
from uuid import uuid4

import pymysql

pymysql.install_as_MySQLdb()

import django  # noqa: E402
from django.conf import settings  # noqa: E402

# With --concurrent the connection of a request ends with it.
KEEP = int(os.environ.get("KEEP", "0"))


def database(engine, port, user):
    return {"ENGINE": engine, "NAME": "wsgi_edge_django", "HOST": "127.0.0.1", "PORT": port, "USER": user}


if not settings.configured:
    settings.configure(
        SECRET_KEY="test",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        DATABASES={
            "default": database("django_pg8000", int(os.environ["PG_PORT"]), os.environ["PG_USER"])
            | {"CONN_MAX_AGE": KEEP, "CONN_HEALTH_CHECKS": True},
            "mariadb": database("django.db.backends.mysql", os.environ["MARIADB_PORT"], os.environ["MARIADB_USER"])
            | {"CONN_MAX_AGE": KEEP, "CONN_HEALTH_CHECKS": True, "OPTIONS": {"charset": "utf8mb4"}},
        },
        LOGGING={"version": 1, "disable_existing_loggers": False, "loggers": {"django.request": {"handlers": ["console"]}},
                 "handlers": {"console": {"class": "logging.StreamHandler"}}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import OperationalError, transaction  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from servers import create_databases  # noqa: E402

UNICODE = "Zoë ☃ 日本 🎉"
ROWS = 1000
DEADLOCK = 1213  # of MariaDB


def migrate(request):
    create_databases()
    call_command("migrate", database=request.GET["on"], verbosity=0)
    return HttpResponse("works")


def check(request):
    on = request.GET["on"]
    try:
        work(on)
        return HttpResponse("works")
    except Exception:
        return HttpResponse(traceback.format_exc(), status=500)


def work(on):
    mine = uuid4().hex
    groups = Group.objects.using(on).filter(name__startswith=mine).order_by("id")
    try:
        with transaction.atomic(using=on):
            Group.objects.using(on).create(name=f"{mine} gone")
            raise KeyError
    except KeyError:
        pass
    assert not groups.exists()
    with transaction.atomic(using=on):
        Group.objects.using(on).bulk_create(Group(name=f"{mine} {UNICODE} {i}") for i in range(ROWS))
        try:
            with transaction.atomic(using=on):  # a savepoint
                Group.objects.using(on).create(name=f"{mine} gone")
                raise KeyError
        except KeyError:
            pass
    assert [group.name for group in groups] == [f"{mine} {UNICODE} {i}" for i in range(ROWS)]
    user = User.objects.using(on).create(username=mine, first_name=UNICODE)
    user.groups.set(groups[:3])
    assert User.objects.using(on).filter(groups__name=f"{mine} {UNICODE} 1").get().first_name == UNICODE
    user.delete()
    delete(Group.objects.using(on).filter(pk__in=[group.pk for group in groups]))


def delete(rows):
    """MariaDB locks each row that it looks at, also those of other users, and gives up one of two that wait for each other."""
    for left in reversed(range(10)):
        try:
            return rows.delete()
        except OperationalError as error:
            if error.args[0] != DEADLOCK or left == 0:
                raise


def page(request):
    """A page of a benchmark: four queries."""
    with transaction.atomic():
        group, _ = Group.objects.get_or_create(name="bench")
        count = Group.objects.count()
    return JsonResponse({"id": group.id, "count": count})


async def async_view(request):
    await asyncio.sleep(0.01)
    return JsonResponse({"users": await User.objects.filter(username="nobody").acount()})


urlpatterns = [path("migrate", migrate), path("check", check), path("page", page), path("async", async_view)]
app = get_wsgi_application()
