"""PEP 249 over Cloudflare's D1. A statement waits for its promise (JSPI).

Example:

    with wsgi_edge.d1.connect("DB") as db:
        db.cursor().execute("INSERT INTO users (name) VALUES (?)", ("Ada",))

D1 has no transactions but `batch()`: each statement is committed when it has run, and `executemany` is one transaction. So
`commit()` does nothing, and `rollback()` raises NotSupportedError unless nothing has been written since the last `commit()`.
https://developers.cloudflare.com/d1/worker-api/d1-database/
"""

import datetime
import decimal
import re
import uuid

from pyodide.ffi import JsException, jsnull, run_sync, to_js

from .current import binding as _binding

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"
sqlite_version_info = (3, 41, 0)  # at least; D1 does not tell
sqlite_version = "3.41.0"


class Warning(Exception):
    pass


class Error(Exception):
    pass


class InterfaceError(Error):
    pass


class DatabaseError(Error):
    pass


class DataError(DatabaseError):
    pass


class OperationalError(DatabaseError):
    pass


class IntegrityError(DatabaseError):
    pass


class InternalError(DatabaseError):
    pass


class ProgrammingError(DatabaseError):
    pass


class NotSupportedError(DatabaseError):
    pass


Binary = bytes
Date = datetime.date
Time = datetime.time
Timestamp = datetime.datetime
DateFromTicks = datetime.date.fromtimestamp
TimestampFromTicks = datetime.datetime.fromtimestamp
STRING, BINARY, NUMBER, DATETIME, ROWID = str, bytes, float, datetime.datetime, int


def TimeFromTicks(ticks):
    return TimestampFromTicks(ticks).time()


LIMIT = 2**53  # D1 passes integers as numbers of JavaScript
NO_TRANSACTIONS = (
    "D1 has no transactions: every statement was committed when it had run, so there is nothing that could be rolled back"
)


def _to_d1(value):
    kind = type(value)
    if kind is str or kind is float:
        return value
    if value is None:
        return jsnull
    if isinstance(value, int):
        if not -LIMIT <= value <= LIMIT:
            raise DataError(f"D1 takes integers from -2**53 to 2**53, not {value}")
        return int(value)  # a bool as well
    if isinstance(value, (bytes, bytearray, memoryview)):
        return to_js(bytes(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, (str, float, datetime.date, datetime.time, decimal.Decimal, uuid.UUID)):
        return str(value)
    raise InterfaceError(f"D1 takes no {kind.__name__} as a parameter")


def _from_d1(value):
    if value is jsnull:
        return None
    return bytes(value) if isinstance(value, (list, memoryview)) else value


def _error(error):
    """Makes the exception of PEP 249 from one of D1, which has only a text: "D1_ERROR: UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT"."""
    text = error.message
    for part, kind in (
        ("constraint failed", IntegrityError),
        ("SQLITE_CONSTRAINT", IntegrityError),
        ("syntax error", ProgrammingError),
        ("Wrong number of parameter bindings", ProgrammingError),
        ("no such", OperationalError),
        ("SQLITE_MISMATCH", DataError),
        ("D1_TYPE_ERROR", DataError),
    ):
        if part in text:
            return kind(text)
    return OperationalError(text)


# A string, a quoted name or a comment; else a word.
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|(\w+)""", re.S)
_TRANSACTION = {"BEGIN", "COMMIT", "END", "SAVEPOINT", "RELEASE", "ROLLBACK"}
_READS = {"SELECT", "VALUES", "PRAGMA", "EXPLAIN"}
_WRITES = {"INTO", "UPDATE", "DELETE"}  # INSERT INTO and REPLACE INTO; replace() is a function as well


def _kind(sql):
    """Returns the first word of a statement, and whether it writes, and whether it gives rows."""
    words = [found[1].upper() for found in _TOKEN.finditer(sql) if found[1]] or [""]
    if words[0] in _READS:
        return words[0], False, True
    if words[0] == "WITH" and _WRITES.isdisjoint(words):
        return words[0], False, True
    return words[0], True, "RETURNING" in words


def _call(function):
    try:
        return function()
    except JsException as error:
        raise _error(error) from None


class Cursor:
    """A cursor of PEP 249. It holds all rows of its statement."""

    arraysize = 1

    def __init__(self, connection):
        self.connection = connection
        self.description = None
        self.rowcount = -1
        self.lastrowid = None
        self._rows = None

    def execute(self, sql, parameters=()):
        word, writes, gives = _kind(sql)
        if word in _TRANSACTION:
            raise NotSupportedError(f"{word}: {NO_TRANSACTIONS}")
        statement = self._prepare(sql, parameters)
        if gives:
            rows = self._wait(lambda: statement.raw(columnNames=True)).to_py()
            self._read(rows)
            self.rowcount = max(len(rows) - 1, 0)
        else:
            meta = self._wait(lambda: statement.run()).meta
            self._read(None)
            self.rowcount = meta.changes
            self.lastrowid = meta.last_row_id
        self.connection.uncommitted += writes
        return self

    def executemany(self, sql, seq_of_parameters):
        """Runs the statement once for each sequence of parameters, all of them in one transaction."""
        self.rowcount = self.connection.batch([(sql, parameters) for parameters in seq_of_parameters])
        self._read(None)
        return self

    def _prepare(self, sql, parameters):
        return self.connection.prepare(sql, parameters)

    def _wait(self, function):
        return _call(lambda: run_sync(function()))

    def _read(self, rows):
        names = rows[0] if rows else None
        self.description = names and [(name, None, None, None, None, None, None) for name in names]
        self._rows = iter([tuple(map(_from_d1, row)) for row in rows[1:]]) if rows else None

    def _result(self):
        if self._rows is None:
            raise ProgrammingError("the last statement gave no rows")
        return self._rows

    def fetchone(self):
        return next(self._result(), None)

    def fetchmany(self, size=None):
        rows = self._result()
        return [row for _, row in zip(range(self.arraysize if size is None else size), rows)]

    def fetchall(self):
        return list(self._result())

    def __iter__(self):
        return self._result()

    def close(self):
        self._rows = None

    def setinputsizes(self, sizes):
        pass

    def setoutputsize(self, size, column=None):
        pass


class Connection:
    """A connection of PEP 249. Statements are committed when they have run."""

    Warning, Error, InterfaceError, DatabaseError = Warning, Error, InterfaceError, DatabaseError
    DataError, OperationalError, IntegrityError = DataError, OperationalError, IntegrityError
    InternalError, ProgrammingError, NotSupportedError = InternalError, ProgrammingError, NotSupportedError

    def __init__(self, d1):
        self._source = d1
        self._closed = False
        self.uncommitted = 0
        """Statements that have written since the last commit() or rollback()."""

    @property
    def _d1(self):
        if self._closed:
            return None
        # A binding belongs to its request, and a connection may be kept for longer.
        return _binding(self._source) if isinstance(self._source, str) else self._source

    def cursor(self):
        return Cursor(self)

    def prepare(self, sql, parameters):
        d1 = self._d1
        if d1 is None:
            raise ProgrammingError("the connection is closed")
        values = [_to_d1(value) for value in parameters]
        return _call(lambda: d1.prepare(sql).bind(*values) if values else d1.prepare(sql))

    def batch(self, statements):
        """Runs pairs of a statement and its parameters in one transaction. Returns the number of changed rows."""
        prepared = [self.prepare(sql, parameters) for sql, parameters in statements]
        if not prepared:
            return 0
        results = _call(lambda: run_sync(self._d1.batch(to_js(prepared))))
        self.uncommitted += 1
        return sum(result.meta.changes for result in results)

    def commit(self):
        """Has nothing to do, because all statements have been committed."""
        self.uncommitted = 0

    def rollback(self):
        """Raises NotSupportedError if something has been written since the last commit()."""
        written, self.uncommitted = self.uncommitted, 0
        if written:
            raise NotSupportedError(NO_TRANSACTIONS)

    def close(self):
        self._closed = True

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            self.commit()
        else:
            self.rollback()


def connect(binding):
    """Returns a connection to a D1 database.

    `binding` is the name of the binding in wrangler.toml, or the binding itself (`environ["workers.env"].DB`).
    """
    return Connection(binding)
