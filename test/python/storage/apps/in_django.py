"""The same views of Django on two databases: SQLite in a file of /data, and D1."""

import datetime
import decimal

import django
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path
from pyodide.ffi import run_sync

from wsgi_edge.current import binding

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="test",
    DEBUG_PROPAGATE_EXCEPTIONS=True,
    ALLOWED_HOSTS=["*"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "shop"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/data/db.sqlite3"},
        "d1": {"ENGINE": "wsgi_edge.django.d1", "NAME": "DB"},
    },
    CACHES={"default": {"BACKEND": "wsgi_edge.django.kv.KVCache", "LOCATION": "KV"}},
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    STORAGES={
        "default": {
            "BACKEND": "wsgi_edge.django.storage.R2Storage",
            "OPTIONS": {"binding": "BUCKET", "location": "media", "base_url": "https://files.example/"},
        },
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.db import IntegrityError, connections, transaction  # noqa: E402
from django.db.models import Avg, Count, F, Max, Q, Sum  # noqa: E402
from django.db.models.functions import (  # noqa: E402
    ExtractIsoWeekDay,
    ExtractIsoYear,
    ExtractQuarter,
    ExtractWeek,
    ExtractWeekDay,
    TruncDate,
    TruncHour,
    TruncMonth,
    TruncQuarter,
    TruncTime,
    TruncWeek,
    TruncYear,
)
from shop.models import Author, Book, Tag  # noqa: E402

UTC = datetime.UTC


def migrate(request, db):
    call_command("migrate", "shop", "0001", database=db, verbosity=0)
    author = Author(name="Ada", joined=datetime.datetime(2024, 2, 29, 13, 14, 15, tzinfo=UTC))
    author.save(using=db)
    Book.objects.using(db).create(author=author, title="Notes", published=datetime.date(2021, 1, 3))
    call_command("migrate", database=db, verbosity=0)
    left = connections[db].introspection.table_names()
    return [Book.objects.using(db).get().author.name, sorted(left)]


def fill(request, db):
    names = [f"author {number}" for number in range(30)]
    times = [datetime.datetime(2020, 1, 1, 5, 6, 7, tzinfo=UTC) + datetime.timedelta(days=37 * i) for i in range(30)]
    Author.objects.using(db).bulk_create([Author(name=name, joined=at) for name, at in zip(names, times)])
    authors = list(Author.objects.using(db).order_by("id"))
    tags = [Tag.objects.using(db).create(name=name) for name in ("new", "日本", "it's")]
    books = [
        Book(
            author=authors[number % len(authors)],
            title=f"book {number}",
            published=datetime.date(2019, 12, 28) + datetime.timedelta(days=number * 11),
            price=decimal.Decimal(number) / 4,
            sold=number % 3 == 0,
            data={"pages": number, "list": [None, True, "ü"]},
            cover=bytes([0, number % 256, 255]),
        )
        for number in range(120)
    ]
    Book.objects.using(db).bulk_create(books)
    for book in Book.objects.using(db).filter(title__endswith="7"):
        book.tags.set(tags)
    Book.objects.using(db).filter(sold=True).update(price=F("price") + 1)
    return [Book.objects.using(db).count(), Tag.objects.using(db).filter(book__isnull=False).count()]


def query(request, db):
    authors, books = Author.objects.using(db), Book.objects.using(db)
    extracts = {"w": ExtractWeek, "y": ExtractIsoYear, "d": ExtractWeekDay, "i": ExtractIsoWeekDay, "q": ExtractQuarter}
    truncs = {"m": TruncMonth, "q": TruncQuarter, "w": TruncWeek, "y": TruncYear, "d": TruncDate, "h": TruncHour}
    book = books.get(title="book 77")
    return {
        "extracts": [list(books.annotate(x=kind("published")).order_by("id").values_list("x", flat=True)) for kind in extracts.values()],
        "joined": [list(authors.annotate(x=kind("joined")).order_by("id").values_list("x", flat=True)) for kind in extracts.values()],
        "truncs": [list(authors.annotate(x=kind("joined")).order_by("id").values_list("x", flat=True)) for kind in truncs.values()],
        "times": list(authors.annotate(x=TruncTime("joined")).order_by("id").values_list("x", flat=True)),
        "by month": list(books.annotate(m=TruncMonth("published")).values("m").annotate(n=Count("id"), s=Sum("price")).order_by("m")),
        "year": books.filter(published__year=2021).count(),
        "month": authors.filter(joined__month=3, joined__hour=5, joined__date__gte="2020-01-01").count(),
        "aggregates": books.aggregate(Avg("price"), Max("published"), n=Count("author", distinct=True)),
        "text": list(books.filter(Q(title__icontains="BOOK 1") | Q(tags__name="日本")).distinct().order_by("id").values_list("title", flat=True)),
        "json": books.filter(data__pages=12, data__list__2="ü").count(),
        "percent": books.filter(title__contains="%").count(),
        "types": [book.sold, str(book.price), book.published, book.data, bytes(book.cover).hex(), book.author.joined],
        "related": [len(author.book_set.all()) for author in authors.prefetch_related("book_set").order_by("id")],
        "dates": list(books.dates("published", "month")[:5]),
        "slice": list(books.order_by("-price", "id").values_list("id", flat=True)[3:9]),
        "raw": [author.name for author in authors.raw("SELECT * FROM shop_author WHERE name = %s", ["author 3"])],
    }


def classes(request, db):
    """The classes of errors, and what a block of atomic() leaves when it fails."""
    seen = []

    def attempt(function):
        try:
            with transaction.atomic(using=db):
                function()
        except Exception as error:
            seen.append(type(error).__name__)
        seen.append(Group.objects.using(db).count())

    def unique():
        Author.objects.using(db).create(name="Ada", joined=datetime.datetime.now(UTC))

    def nothing():
        raise KeyError

    def inside():
        try:
            with transaction.atomic(using=db):
                unique()
        except IntegrityError:
            seen.append("caught")
        Group.objects.using(db).create(name="kept")
        Group.objects.using(db).get_or_create(name="kept")

    def written():
        transaction.on_commit(lambda: seen.append("on_commit"), using=db)
        Group.objects.using(db).create(name="gone")
        raise KeyError

    for function in (unique, nothing, inside, written):
        attempt(function)
    with transaction.atomic(using=db):
        transaction.on_commit(lambda: seen.append("committed"), using=db)
    return seen


def users(request, db):
    user = User.objects.db_manager(db).create_user("ada", password=None, first_name="Ada")
    user.groups.add(Group.objects.using(db).first())
    return [User.objects.using(db).filter(groups__name="kept").get().first_name, user.has_usable_password()]


def files(request):
    name = default_storage.save("docs/ä.txt", ContentFile(b"hello"))
    second = default_storage.save("docs/ä.txt", ContentFile(b"again"))
    with default_storage.open("docs/big.bin", "wb") as file:
        file.write(bytes(range(256)) * 4096)
    with default_storage.open("docs/big.bin") as file:
        size, begin = file.size, list(file.read(3))
    missing = None
    try:
        default_storage.open("docs/none")
    except FileNotFoundError as error:
        missing = str(error)
    age = datetime.datetime.now(UTC) - default_storage.get_modified_time(name)
    seen = [
        [name, second == name, size, begin, default_storage.size(name), default_storage.open(second).read().decode()],
        [default_storage.url(name), default_storage.exists(name), missing, abs(age) < datetime.timedelta(minutes=5)],
        [sorted(each) for each in (default_storage.listdir("")[0], default_storage.listdir("docs")[1])][0],
        len(default_storage.listdir("docs")[1]),
    ]
    default_storage.delete(name)
    return [*seen, default_storage.exists(name)]


def caches(request):
    kv = binding("KV")
    run_sync(kv.put("other", "kept"))
    cache.set("left", 1)
    cache.clear()
    cleared = [each.name for each in run_sync(kv.list()).keys]
    cache.set("a", {"x": datetime.date(2024, 1, 1), "n": None})
    cache.set("gone", 1, timeout=0)
    cache.set("ever", [1], timeout=None)
    return [
        cache.get("a")["x"].isoformat(),
        cache.get("gone", "default"),
        cache.get("ever"),
        cache.add("a", 2),
        cache.add("b", 2),
        cache.incr("b", 3),
        cache.get_many(["a", "b", "c"]).keys() == {"a", "b"},
        cache.touch("none"),
        cache.delete("b"),
        "b" in cache,
        cache.get_or_set("made", lambda: "made"),
        cleared,
    ]


def session(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return request.session["visits"]


def view(function):
    return lambda request, **db: JsonResponse(function(request, **db), safe=False)


urlpatterns = [path(f"<str:db>/{each.__name__}", view(each)) for each in (migrate, fill, query, classes, users)]
urlpatterns += [path(each.__name__, view(each)) for each in (files, caches, session)]
app = get_wsgi_application()
