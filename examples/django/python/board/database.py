"""The database of DATABASE_URL: PostgreSQL, or SQLite if the setting is missing."""

import ssl
from urllib.parse import unquote, urlsplit


def database(url, folder):
    """Returns the settings of a database.

    `url` is like postgres://user:password@host:5432/name, or None for a file of SQLite in `folder`. Connections are encrypted,
    and the certificate of the server is verified, unless the URL ends with ?sslmode=disable.
    """
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "db.sqlite3"}
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"DATABASE_URL must begin with postgres://, not {parts.scheme}://")
    plain = parts.query == "sslmode=disable"
    return {
        "ENGINE": "django_pg8000",
        "HOST": parts.hostname,
        "PORT": parts.port or 5432,
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "OPTIONS": {"ssl_context": False if plain else ssl.create_default_context()},
        # Lambda freezes an instance between two requests, and the server may close the connection meanwhile.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
