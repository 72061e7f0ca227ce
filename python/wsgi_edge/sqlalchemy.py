"""SQLAlchemy's dialect for Cloudflare's D1.

    import wsgi_edge.sqlalchemy
    engine = sqlalchemy.create_engine("d1://DB")  # the name of the binding

D1 has no transactions. A rollback raises NotSupportedError if something has been written since the last commit.
"""

from sqlalchemy import pool
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import reflection

from . import d1

MAX_PARAMETERS = 100  # https://developers.cloudflare.com/d1/platform/limits/


class D1Dialect(SQLiteDialect):
    driver = "wsgi_edge"
    default_paramstyle = "qmark"
    supports_statement_cache = True
    insertmanyvalues_max_parameters = MAX_PARAMETERS

    @classmethod
    def import_dbapi(cls):
        return d1

    @classmethod
    def get_pool_class(cls, url):
        return pool.NullPool

    def create_connect_args(self, url):
        return [url.host or url.database], {}

    @reflection.cache
    def get_table_names(self, connection, schema=None, sqlite_include_internal=False, **kw):
        names = super().get_table_names(connection, schema, sqlite_include_internal, **kw)
        return [name for name in names if not name.startswith("_cf_")]  # D1's own

    def _get_table_pragma(self, connection, pragma, table_name, schema=None):
        # D1 allows no PRAGMA on the temporary tables, which SQLAlchemy looks at as well.
        return super()._get_table_pragma(connection, pragma, table_name, schema or "main")

    def _get_server_version_info(self, connection):
        return d1.sqlite_version_info

    def get_isolation_level_values(self, dbapi_connection):
        return ["AUTOCOMMIT"]

    def get_isolation_level(self, dbapi_connection):
        return "AUTOCOMMIT"

    def set_isolation_level(self, dbapi_connection, level):
        pass


def _register():
    for name in ("d1", "d1.wsgi_edge"):
        registry.register(name, __name__, "D1Dialect")


_register()
