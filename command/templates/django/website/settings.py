import os
import secrets

from django.utils.functional import SimpleLazyObject

# It is read when it is first needed, because the build freezes these settings, and a secret must not be in it. Without the
# variable each process makes its own, so what it signs is worth nothing to the next one.
SECRET_KEY = SimpleLazyObject(lambda: os.environ.get("SECRET_KEY") or secrets.token_urlsafe(50))
DEBUG = False
ALLOWED_HOSTS = ["*"]  # name the domains of a real site

INSTALLED_APPS = ["django.contrib.contenttypes"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "website.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
