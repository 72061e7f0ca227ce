"""Django's backend for Cloudflare's D1.

    DATABASES = {"default": {"ENGINE": "wsgi_edge.django.d1", "NAME": "DB"}}  # the name of the binding

D1 has no transactions. `atomic()` works until it would have to roll back something that has been written: then it raises
`CanNotRollBack`.
"""

from contextlib import contextmanager

from django.db import NotSupportedError
from django.db.backends.ddl_references import Statement
from django.db.backends.sqlite3 import base, features, introspection, operations, schema

from ... import d1

MAX_PARAMETERS = 100  # https://developers.cloudflare.com/d1/platform/limits/


class CanNotRollBack(Exception):
    """`atomic()` would have to roll back what D1 has committed already.

    It is no DatabaseError, because Django ignores those while it rolls back.
    """


class DatabaseFeatures(features.DatabaseFeatures):
    minimum_database_version = None
    max_query_params = MAX_PARAMETERS
    supports_transactions = False
    atomic_transactions = False
    can_rollback_ddl = False
    supports_atomic_references_rename = False
    supports_pragma_foreign_key_check = False
    can_defer_constraint_checks = False
    supports_forward_references = False


class DatabaseIntrospection(introspection.DatabaseIntrospection):
    def get_table_list(self, cursor):
        return [each for each in super().get_table_list(cursor) if not each.name.startswith("_cf_")]  # D1's own


_DATE_FORMATS = {"year": "%Y-01-01", "month": "%Y-%m-01"}
_TIME_FORMATS = {"hour": "%H:00:00", "minute": "%H:%M:00", "second": "%H:%M:%S"}
_EXTRACTS = {
    "year": "%Y",
    "month": "%m",
    "day": "%d",
    "hour": "%H",
    "minute": "%M",
    "second": "%S",
}


def _strftime(format, sql, modifiers=""):
    return "strftime('{}', {}{})".format(format.replace("%", "%%"), sql, modifiers)


def _extract(lookup_type, sql, params):
    """SQL for a part of a date, instead of the functions of Python that Django gives SQLite."""
    if lookup_type in _EXTRACTS:
        text = _strftime(_EXTRACTS[lookup_type], sql)
    elif lookup_type == "quarter":
        text = f"({_strftime('%m', sql)} + 2) / 3"
    elif lookup_type == "week_day":
        text = f"{_strftime('%w', sql)} + 1"
    elif lookup_type == "iso_week_day":
        text = f"({_strftime('%w', sql)} + 6) %% 7 + 1"
    elif lookup_type in ("week", "iso_year"):
        # The Thursday of a week is in the year that the week belongs to.
        format, rest = ("%j", " - 1) / 7 + 1") if lookup_type == "week" else ("%Y", ")")
        return f"CAST(({_strftime(format, sql, ", '-3 days', 'weekday 4'")}{rest} AS INTEGER)", params
    else:
        raise NotSupportedError(f"D1 can not extract {lookup_type}")
    return f"CAST({text} AS INTEGER)", params


def _trunc(lookup_type, sql, params, time=""):
    """SQL for the begin of a period."""
    if lookup_type in _DATE_FORMATS:
        return _strftime(_DATE_FORMATS[lookup_type] + time, sql), params
    if lookup_type == "day":
        return _strftime("%Y-%m-%d" + time, sql), params
    if lookup_type == "week":
        return _strftime("%Y-%m-%d" + time, sql, ", '-6 days', 'weekday 1'"), params
    if lookup_type == "quarter":
        months = f"'-' || ((CAST({_strftime('%m', sql)} AS INTEGER) + 2) %% 3) || ' months'"
        return _strftime("%Y-%m-%d" + time, sql, f", 'start of month', {months}"), (*params, *params)
    raise NotSupportedError(f"D1 can not truncate to {lookup_type}")


def _only_utc(tzname, connection):
    for name in (tzname, connection.timezone_name if tzname else None):
        if name not in (None, "UTC"):
            raise NotSupportedError(f"D1 has no time zones but UTC, not {name}: convert dates in Python, or use UTC")


class DatabaseOperations(operations.DatabaseOperations):
    def bulk_batch_size(self, fields, objs):
        return max(MAX_PARAMETERS // max(len(fields), 1), 1)

    def last_executed_query(self, cursor, sql, params):
        return f"{sql} {params!r}" if params else sql

    def date_extract_sql(self, lookup_type, sql, params):
        return _extract(lookup_type, sql, params)

    def time_extract_sql(self, lookup_type, sql, params):
        return _extract(lookup_type, sql, params)

    def datetime_extract_sql(self, lookup_type, sql, params, tzname):
        _only_utc(tzname, self.connection)
        return _extract(lookup_type, sql, params)

    def date_trunc_sql(self, lookup_type, sql, params, tzname=None):
        _only_utc(tzname, self.connection)
        return _trunc(lookup_type, sql, params)

    def datetime_trunc_sql(self, lookup_type, sql, params, tzname):
        _only_utc(tzname, self.connection)
        if lookup_type in _TIME_FORMATS:
            return _strftime("%Y-%m-%d " + _TIME_FORMATS[lookup_type], sql), params
        return _trunc(lookup_type, sql, params, " 00:00:00")

    def time_trunc_sql(self, lookup_type, sql, params, tzname=None):
        _only_utc(tzname, self.connection)
        return _strftime(_TIME_FORMATS[lookup_type], sql), params

    def datetime_cast_date_sql(self, sql, params, tzname):
        _only_utc(tzname, self.connection)
        return f"date({sql})", params

    def datetime_cast_time_sql(self, sql, params, tzname):
        _only_utc(tzname, self.connection)
        return f"time({sql})", params


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Changes tables without the transactions and the PRAGMA that D1 does not have."""

    _collected = None

    def __enter__(self):
        return super(schema.DatabaseSchemaEditor, self).__enter__()

    def __exit__(self, kind, error, trace):
        return super(schema.DatabaseSchemaEditor, self).__exit__(kind, error, trace)

    def execute(self, sql, params=()):
        if self._collected is None:
            return super().execute(sql, params)
        self._collected.append((str(sql), params))

    @contextmanager
    def _in_one_batch(self):
        self._collected = [("PRAGMA defer_foreign_keys = ON", None)]
        try:
            yield
            statements = self._collected
        finally:
            self._collected = None
        with self.connection.cursor() as cursor, self.connection.wrap_database_errors:
            cursor.cursor.run_batch(statements)

    def alter_db_table(self, model, old_db_table, new_db_table):
        if self._collected is None:
            return super().alter_db_table(model, old_db_table, new_db_table)
        # Foreign keys to a table that was dropped hold again when rows come into a new one, and not when one is renamed. Without
        # WHERE, SQLite copies the rows without a look at foreign keys.
        old, new = self.quote_name(old_db_table), self.quote_name(new_db_table)
        create = next(sql for sql, _ in self._collected if sql.startswith(f"CREATE TABLE {old} "))
        self._collected += [
            (create.replace(old, new), None),
            (f"INSERT INTO {new} SELECT * FROM {old} WHERE true", None),
            (f"DROP TABLE {old}", None),
        ]
        for sql in self.deferred_sql:
            if isinstance(sql, Statement):
                sql.rename_table_references(old_db_table, new_db_table)

    def _remake_table(self, *args, **kwargs):
        # Other tables refer to the one that is replaced, so all statements are one transaction.
        with self._in_one_batch():
            super()._remake_table(*args, **kwargs)


def _qmark(query, params):
    if params is None:
        return query, ()
    return query.replace("%%", "\0").replace("%s", "?").replace("\0", "%"), params


class Cursor(d1.Cursor):
    """Turns the parameters of Django, `%s`, into those of D1."""

    def execute(self, query, params=None):
        return super().execute(*_qmark(query, params))

    def executemany(self, query, param_list):
        return super().executemany(_qmark(query, ())[0], param_list)

    def run_batch(self, statements):
        self.connection.batch([_qmark(*statement) for statement in statements])


class DatabaseWrapper(base.DatabaseWrapper):
    display_name = "D1"
    Database = d1
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
    introspection_class = DatabaseIntrospection
    SchemaEditorClass = DatabaseSchemaEditor

    def get_connection_params(self):
        return {"binding": self.settings_dict["NAME"]}

    def get_new_connection(self, conn_params):
        self._savepoints = {}
        return d1.connect(**conn_params)

    def get_database_version(self):
        return d1.sqlite_version_info

    def init_connection_state(self):
        pass

    def create_cursor(self, name=None):
        return Cursor(self.connection)

    def close(self):
        super(base.DatabaseWrapper, self).close()

    def is_usable(self):
        return True

    def _set_autocommit(self, autocommit):
        self.connection.commit()

    def _start_transaction_under_autocommit(self):
        self.connection.commit()

    def _rollback(self):
        if self.connection is not None:
            self._roll_back_to(0)

    def _roll_back_to(self, before):
        written = self.connection.uncommitted - before
        self.connection.uncommitted = before
        if written > 0:
            self.run_on_commit = []
            raise CanNotRollBack(f"atomic() can't undo {written} statements: {d1.NO_TRANSACTIONS}")

    # A block inside of another one may fail, if it has written nothing.
    def _savepoint_allowed(self):
        return self.in_atomic_block

    def _savepoint(self, sid):
        self._savepoints[sid] = self.connection.uncommitted

    def _savepoint_commit(self, sid):
        self._savepoints.pop(sid, None)

    def _savepoint_rollback(self, sid):
        self._roll_back_to(self._savepoints.pop(sid, 0))

    def disable_constraint_checking(self):
        return False

    def enable_constraint_checking(self):
        pass

    def check_constraints(self, table_names=None):
        pass
