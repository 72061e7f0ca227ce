"""The tables, in the database of DATABASE_URL: D1 (d1://DB), PostgreSQL (postgres://user:password@host/name), or SQLite."""

import functools
import os
import ssl

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, create_engine, func
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateTable

metadata = MetaData()
accounts = Table("account", metadata, Column("name", Text, primary_key=True), Column("password", Text, nullable=False))
notes = Table(
    "note",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created", DateTime, nullable=False, server_default=func.current_timestamp()),
)
files = Table("file", metadata, Column("name", Text, primary_key=True), Column("data", LargeBinary, nullable=False))


def _engine(text):
    url = make_url(text)
    name = url.get_backend_name()
    if name == "d1":
        import wsgi_edge.sqlalchemy  # noqa: F401, PLC0415 -- registers the dialect, and is there only in wsgi-edge

        return create_engine(url)
    if name not in ("postgres", "postgresql"):
        return create_engine(url)
    # The certificate of the server is verified, unless the URL ends with ?sslmode=disable.
    plain = url.query.get("sslmode") == "disable"
    return create_engine(
        url.set(drivername="postgresql+pg8000", query={}),
        pool_pre_ping=True,  # the server closes connections while Lambda has frozen an instance
        connect_args={"ssl_context": False if plain else ssl.create_default_context()},
    )


@functools.cache
def engine():
    """Returns the engine of DATABASE_URL, and creates missing tables when it is first called."""
    made = _engine(os.environ.get("DATABASE_URL", "sqlite:////tmp/board.sqlite3"))
    with made.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
    return made
