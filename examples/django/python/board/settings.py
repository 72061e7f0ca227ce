import os
import sys
from pathlib import Path

from django.utils.functional import SimpleLazyObject

from .database import database

BASE_DIR = Path(__file__).resolve().parent
# On Node, Lambda and Workers, /data is the folder that lasts: see node.ts, lambda.ts and cloudflare.ts.
NATIVE = os.environ.get("DATA_FOLDER", BASE_DIR.parent.parent / "data")
DATA = Path("/data" if sys.platform == "emscripten" else NATIVE)

# Read when it is first needed: these settings are frozen in the snapshot, and a secret must not be.
SECRET_KEY = SimpleLazyObject(lambda: os.environ["SECRET_KEY"])
DEBUG = False
ALLOWED_HOSTS = ["*"]  # name the domains of a real site
# A Function URL is https, and its emulation on this machine says so too, but not to the browser.
CSRF_TRUSTED_ORIGINS = ["http://127.0.0.1:8790"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "board",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "board.urls"
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

# The snapshot has no environment: start.py reads DATABASE_URL again before the first request.
DATABASES = {"default": database(os.environ.get("DATABASE_URL"), DATA)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Workers allow 100,000 iterations of PBKDF2, and Django's default hasher does more.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "index"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR.parent / "staticfiles"
# Files of users. A view serves them, so they have no URL of their own.
MEDIA_ROOT = DATA / "media"
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["console"], "level": "WARNING"}},
}
