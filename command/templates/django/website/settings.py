import os

from django.utils.functional import SimpleLazyObject

# It is read when it is first needed, because the build freezes these settings, and a secret must not be in it.
SECRET_KEY = SimpleLazyObject(lambda: os.environ.get("SECRET_KEY", "only for development"))
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
