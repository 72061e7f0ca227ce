"""Views on files that outlive the interpreter, with sqlite3 of the standard library as it is."""

import json
import os
import sqlite3
from urllib.parse import parse_qsl

PATH = "/data/db.sqlite3"


def app(environ, start_response):
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    body = globals()[environ["PATH_INFO"].strip("/")](**query)
    start_response("200 OK", [("Content-Type", "application/json")])
    return body if hasattr(body, "__next__") else [json.dumps(body).encode()]


def connect():
    return sqlite3.connect(PATH, timeout=0)


def begin(rows="0"):
    """Makes the table of accounts."""
    with connect() as db:
        db.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER, note BLOB)")
        db.executemany("INSERT INTO account (amount, note) VALUES (0, ?)", [(b"x" * 3000,)] * int(rows))
    return state()


def state():
    db = connect()
    seen = db.execute("SELECT count(*), sum(amount), sum(abs(amount)) FROM account").fetchone()
    return [*seen, db.execute("PRAGMA integrity_check").fetchone()[0]]


def one(row):
    return connect().execute("SELECT amount, length(note) FROM account WHERE id = ?", (row,)).fetchone()


def move(amount, rows="8"):
    """Writes to many pages in one transaction."""
    with connect() as db:
        for row in range(1, int(rows) + 1):
            change = int(amount) if row % 2 else -int(amount)
            db.execute("UPDATE account SET amount = ? WHERE id = ?", (change, row))
    return state()


def move_slowly(amount, rows):
    """Waits in the transaction after each row, so that the platform may keep what was written until then."""
    from asyncio import sleep

    from pyodide.ffi import run_sync

    with connect() as db:
        db.execute("PRAGMA cache_size=2")  # SQLite writes pages before the commit
        for row in range(1, int(rows) + 1):
            change = int(amount) if row % 2 else -int(amount)
            db.execute("UPDATE account SET amount = ? WHERE id = ?", (change, row))
            run_sync(sleep(0))
    return state()


def add():
    """Waits for other interpreters that write."""
    with sqlite3.connect(PATH, timeout=30) as db:
        db.execute("INSERT INTO account (amount) VALUES (1)")


def roll_back():
    try:
        with connect() as db:
            db.execute("UPDATE account SET amount = 5")
            raise RuntimeError
    except RuntimeError:
        return state()


def die():
    """Ends the interpreter in a transaction."""
    connect().execute("UPDATE account SET amount = 6")
    os._exit(1)


def streaming():
    """Keeps a transaction open between the chunks of its body."""
    db = connect()
    try:
        db.execute("UPDATE account SET amount = 7")
        yield b"begun"
        yield b"x" * 300_000
    finally:
        db.close()


def try_to_move(amount):
    try:
        return move(amount)
    except sqlite3.OperationalError as error:
        return str(error)


def wal():
    return [connect().execute("PRAGMA journal_mode=WAL").fetchone()[0], state()]


def relaxed(amount):
    """Commits without fsync, in the mode WAL, and leaves the connection open."""
    global kept
    kept = connect()
    kept.execute("PRAGMA synchronous=NORMAL")
    for row in range(1, 9):
        kept.execute("UPDATE account SET amount = ? WHERE id = ?", (int(amount) * (1 if row % 2 else -1), row))
    kept.commit()
    return state()


def journal(mode):
    db = connect()
    used = db.execute(f"PRAGMA journal_mode={mode}").fetchone()[0]
    db.execute("UPDATE account SET amount = 9")
    db.rollback()
    with db:
        db.execute("UPDATE account SET amount = amount")
    return [used, state(), sorted(os.listdir("/data"))]


def files():
    """Uses the file system in many ways, and tells what it saw."""
    os.makedirs("/data/a/b", exist_ok=True)
    with open("/data/a/b/one", "wb") as file:
        file.write(b"1234567890" * 1000)
    with open("/data/a/b/one", "r+b") as file:
        file.truncate(5001)
        file.seek(9000)
        file.write(b"end")
    os.rename("/data/a/b/one", "/data/a/two")
    with open("/data/a/three", "w") as file:
        file.write("three")
    os.replace("/data/a/three", "/data/a/two.txt")
    with open("/data/a/two.txt", "a") as file:
        file.write(" more")
    data = open("/data/a/two", "rb").read()
    kept = open("/data/a/gone", "w+")
    kept.write("unlinked")
    kept.flush()
    os.unlink("/data/a/gone")
    kept.seek(0)
    seen = [
        os.path.getsize("/data/a/two"),
        data[4995:5005].decode("latin1"),
        data[8998:].decode("latin1"),
        open("/data/a/two.txt").read(),
        kept.read(),
        sorted(os.listdir("/data/a")),
    ]
    kept.close()
    try:
        os.rmdir("/data/a")
    except OSError as error:
        seen.append(error.strerror)
    os.rmdir("/data/a/b")
    return seen


def listed(folder="/data"):
    return sorted(os.listdir(folder))


counter = 0


def count():
    """The number of calls of this interpreter."""
    global counter
    counter += 1
    return counter
