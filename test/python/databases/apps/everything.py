"""Each driver, ORM and client against a real server, below a path of its own. A view raises, or answers "works"."""

import os
import smtplib

import ssl
import traceback
import urllib.request
from email.message import EmailMessage
from http.client import HTTPConnection
from uuid import uuid4

import httpx
import pg8000.dbapi
import pymysql
import redis
import requests
import sqlalchemy
import urllib3
from flask import Flask, request
from servers import create_databases, mariadb, postgres
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

UNICODE = "Zoë ☃ 日本 🎉"
ROWS = 1000


def check(cursor, connection, table):
    """The same for both drivers, by PEP 249."""
    cursor.execute(f"create table {table} (id integer primary key, text varchar(100))")
    try:
        connection.commit()
        cursor.execute(f"insert into {table} values (-1, 'gone')")
        connection.rollback()
        places = ", ".join(["(%s, %s)"] * 100)
        for first in range(0, ROWS, 100):
            values = [value for i in range(first, first + 100) for value in (i, f"{UNICODE} {i}")]
            cursor.execute(f"insert into {table} values {places}", values)
        connection.commit()
        cursor.execute(f"select id, text from {table} order by id")
        rows = cursor.fetchall()
        assert [tuple(row) for row in rows] == [(i, f"{UNICODE} {i}") for i in range(ROWS)]
    finally:
        cursor.execute(f"drop table {table}")
        connection.commit()


def name():
    return f"t{uuid4().hex}"


def pg8000_driver():
    connection = pg8000.dbapi.connect(**postgres())
    check(connection.cursor(), connection, name())
    connection.close()


def pymysql_driver():
    connection = pymysql.connect(**mariadb(), database="wsgi_edge_test")
    check(connection.cursor(), connection, name())
    connection.close()


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(sqlalchemy.String(40))
    text: Mapped[str] = mapped_column(sqlalchemy.String(100))


engines = {}


def engine(kind):
    if kind not in engines:
        pg, maria = postgres(), mariadb()
        url = {
            "pg8000": f"postgresql+pg8000://{pg['user']}@127.0.0.1:{pg['port']}/wsgi_edge_test",
            "pymysql": f"mysql+pymysql://{maria['user']}@127.0.0.1:{maria['port']}/wsgi_edge_test?charset=utf8mb4",
        }[kind]
        # On Workers a connection ends with its request: the pool opens another one then.
        engines[kind] = sqlalchemy.create_engine(url, pool_pre_ping=True)
    return engines[kind]


def sqlalchemy_orm(kind):
    owner = uuid4().hex
    Base.metadata.create_all(engine(kind))
    with Session(engine(kind)) as session:
        session.add(Note(owner=owner, text="gone"))
        session.flush()
        session.rollback()
        session.add_all(Note(owner=owner, text=f"{UNICODE} {i}") for i in range(ROWS))
        session.commit()
        mine = sqlalchemy.select(Note).where(Note.owner == owner).order_by(Note.id)
        assert [note.text for note in session.scalars(mine)] == [f"{UNICODE} {i}" for i in range(ROWS)]
        session.execute(sqlalchemy.delete(Note).where(Note.owner == owner))
        session.commit()


client = None


def redis_client():
    global client
    client = client or redis.Redis(host="127.0.0.1", port=int(os.environ["REDIS_PORT"]), socket_timeout=10)
    key = uuid4().hex
    client.set(key, UNICODE, ex=60)
    assert client.get(key).decode() == UNICODE
    with client.pipeline() as pipeline:
        for i in range(ROWS):
            pipeline.rpush(f"{key}:list", i)
        pipeline.expire(f"{key}:list", 60)
        pipeline.execute()
    assert client.lrange(f"{key}:list", 0, -1) == [str(i).encode() for i in range(ROWS)]


def http():
    return f"http://127.0.0.1:{os.environ['HTTP_PORT']}"


def requests_client():
    with requests.Session() as session:
        session.get(f"{http()}/set-cookie", timeout=10)
        answer = session.post(f"{http()}/echo", data=UNICODE.encode(), timeout=10)
        assert answer.text == f"user=Zoe {UNICODE}" and answer.reason == "Fine", (answer.text, answer.reason)
        assert sum(len(part) for part in session.get(f"{http()}/large", stream=True, timeout=10).iter_content(9999)) == 1_000_000
    try:
        requests.get(f"{http()}/never", timeout=0.1)
    except requests.exceptions.ReadTimeout:
        pass
    try:
        requests.get("http://127.0.0.1:1/", timeout=10)
    except requests.exceptions.ConnectionError:
        pass


def httpx_client():
    with httpx.Client(timeout=10) as session:
        session.get(f"{http()}/set-cookie")
        assert session.post(f"{http()}/echo", content=UNICODE.encode()).text == f"user=Zoe {UNICODE}"
    try:
        httpx.get(f"{http()}/never", timeout=0.1)
    except httpx.ReadTimeout:
        pass


def urllib_client():
    with urllib.request.urlopen(f"{http()}/echo", data=UNICODE.encode(), timeout=10) as answer:
        assert answer.read().decode() == f" {UNICODE}"
    try:
        urllib.request.urlopen(f"{http()}/never", timeout=0.1)
    except TimeoutError:
        pass


def http_client():
    connection = HTTPConnection("127.0.0.1", int(os.environ["HTTP_PORT"]), timeout=10)
    for _ in range(3):
        connection.request("POST", "/echo", body=UNICODE.encode())
        assert connection.getresponse().read().decode() == f" {UNICODE}"
    connection.close()


def https(get):
    """A client of HTTPS gets the answer of a server that is trusted, and no answer of one that is not."""
    assert get(f"https://localhost:{os.environ['TRUSTED_PORT']}/") == "secret"
    try:
        get(f"https://localhost:{os.environ['EXPIRED_PORT']}/")
    except Exception as error:
        reason = str(error)
        assert "certificate" in reason.lower(), reason
    else:
        raise AssertionError("an expired certificate was accepted")


def mail():
    message = EmailMessage()
    message["Subject"] = message["From"] = message["To"] = "zoe@example.org"
    message.set_content(UNICODE)
    with smtplib.SMTP("127.0.0.1", int(os.environ["SMTP_PORT"]), timeout=10) as server:
        server.send_message(message)


CHECKS = {
    "pg8000": pg8000_driver,
    "PyMySQL": pymysql_driver,
    "SQLAlchemy with pg8000": lambda: sqlalchemy_orm("pg8000"),
    "SQLAlchemy with PyMySQL": lambda: sqlalchemy_orm("pymysql"),
    "redis-py": redis_client,
    "requests": requests_client,
    "httpx (synchronous)": httpx_client,
    "urllib": urllib_client,
    "http.client": http_client,
    "smtplib": mail,
}
HTTPS = {
    "requests, https": lambda url: requests.get(url, timeout=10).text,
    "httpx, https": lambda url: httpx.get(url, timeout=10, verify=ssl.create_default_context()).text,
    "urllib, https": lambda url: urllib.request.urlopen(url, timeout=10).read().decode(),
}
flask = Flask(__name__)


@flask.get("/create")
def create():
    return create_databases()


@flask.get("/check")
def run_check():
    wanted = request.args["name"]
    try:
        if wanted in HTTPS:
            https(HTTPS[wanted])
        else:
            CHECKS[wanted]()
        return "works"
    except Exception:
        return traceback.format_exc(), 500


@flask.get("/fetched")
def fetched():
    answer = requests.get(f"{http()}/echo", timeout=10)
    return f"{answer.status_code} {answer.text} {urllib3.HTTPConnectionPool.ConnectionCls.__name__}"


@flask.get("/async")
async def async_view():
    import asyncio

    await asyncio.sleep(0.01)
    return str(sum(await asyncio.gather(*(one() for _ in range(3)))))


async def one():
    return 1
