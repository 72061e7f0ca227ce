import os

SECRET_KEY = "only for this test of a public demonstration"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_urls"
# Each thread of waitress would have an empty database in memory.
FILE = os.environ.get("REAL_DATA")
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{FILE}/db.sqlite3" if FILE else ":memory:"},
}
STATIC_URL = "/static/"
WAGTAIL_SITE_NAME = "Demonstration"
WAGTAILADMIN_BASE_URL = "http://127.0.0.1"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    *(f"wagtail.{name}" for name in ("contrib.forms", "contrib.redirects", "embeds", "sites", "users", "snippets")),
    *(f"wagtail.{name}" for name in ("documents", "images", "search", "admin")),
    *("wagtail", "modelcluster", "taggit", "rest_framework", "wagtail.api.v2"),
    *(f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages", "staticfiles")),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
