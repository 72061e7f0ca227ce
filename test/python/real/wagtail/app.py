import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

app = get_wsgi_application()
call_command("migrate", verbosity=0)
