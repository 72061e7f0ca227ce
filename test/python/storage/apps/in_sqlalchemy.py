"""The same views of SQLAlchemy on SQLite in a file of /data and on D1; Flask-SQLAlchemy; and PEP 249 itself."""

import datetime
import decimal
import json
import uuid

import sqlalchemy as sa
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

import wsgi_edge.sqlalchemy  # noqa: F401
from wsgi_edge import d1

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:////data/flask.sqlite3"
db = SQLAlchemy(app)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime.datetime]
    born: Mapped[datetime.date | None]
    money: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(10, 2), default=0)
    active: Mapped[bool] = mapped_column(default=True)
    data: Mapped[dict] = mapped_column(sa.JSON, default=dict)
    picture: Mapped[bytes] = mapped_column(default=b"")
    key: Mapped[uuid.UUID] = mapped_column(default=lambda: uuid.UUID(int=5))
    posts: Mapped[list["Post"]] = relationship(back_populates="user", cascade="all, delete-orphan")


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    text: Mapped[str]
    user: Mapped[User] = relationship(back_populates="posts")


URLS = {"sqlite": "sqlite:////data/alchemy.sqlite3", "d1": "d1://DB"}


@app.get("/orm/<kind>")
def orm(kind):
    engine = sa.create_engine(URLS[kind])
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for number in range(60):
            user = User(
                name=f"user {number}",
                at=datetime.datetime(2024, 1, 1, 12) + datetime.timedelta(hours=number, microseconds=number),
                born=datetime.date(2000, 1, 1) if number % 2 else None,
                money=decimal.Decimal(number) / 4,
                active=number % 3 == 0,
                data={"n": number, "list": [None, "ü"]},
                picture=bytes([number, 0, 255]),
                posts=[Post(text=f"post {number}.{each}") for each in range(2)],
            )
            session.add(user)
        session.commit()
        seen = [session.scalar(sa.select(sa.func.count(Post.id)))]
        one = session.scalars(sa.select(User).where(User.name == "user 7").options(selectinload(User.posts))).one()
        seen += [one.id, str(one.at), str(one.born), str(one.money), one.active, one.data, one.picture.hex(), str(one.key)]
        seen += [[post.text for post in one.posts]]
        seen += [session.scalar(sa.select(User.name).where(User.data["n"].as_integer() == 12))]
        seen += [session.scalars(sa.select(User.id).where(User.at > datetime.datetime(2024, 1, 3, 20)).order_by(User.id)).all()]
        one.name = "renamed"
        session.delete(session.get(User, 3))
        session.commit()
        changed = session.execute(sa.update(User).where(User.active).values(money=User.money + 1))
        session.commit()
        seen += [changed.rowcount, session.scalar(sa.select(sa.func.count(Post.id)))]
        inserted = session.scalars(sa.insert(User).returning(User.id), [_row(each) for each in range(30)])
        seen += [len(inserted.all())]
        session.commit()
        session.add(User(name="renamed", at=datetime.datetime(2024, 1, 1)))
        try:
            session.commit()
        except IntegrityError as error:
            seen.append(type(error.orig).__name__)
            session.rollback()
        seen.append(session.scalar(sa.select(sa.func.count(User.id))))
    inspector = sa.inspect(engine)
    columns = [[each["name"], str(each["type"]), each["nullable"]] for each in inspector.get_columns("user")]
    keys = [each["referred_table"] for each in inspector.get_foreign_keys("post")]
    return [seen, sorted(inspector.get_table_names()), columns, keys]


def _row(number):
    return {"name": f"more {number}", "at": datetime.datetime(2025, 1, 1), "money": number}


@app.get("/rollback/<kind>")
def rollback(kind):
    engine = sa.create_engine(URLS[kind])
    with Session(engine) as session:
        session.add(User(name="gone", at=datetime.datetime(2024, 1, 1)))
        session.flush()
        try:
            session.rollback()
            told = None
        except DBAPIError as error:
            told = [type(error).__name__, str(error.orig)]
        except d1.Error as error:
            told = [type(error).__name__, str(error)]
    with Session(engine) as session:
        return [told, session.scalar(sa.select(sa.func.count(User.id)).where(User.name == "gone"))]


class Visit(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    page = db.Column(db.String, nullable=False)


@app.get("/visit")
def visit():
    db.create_all()
    db.session.add(Visit(page=request.args["page"]))
    if "fail" in request.args:
        db.session.flush()
        db.session.rollback()
    db.session.commit()
    return [each.page for each in db.session.execute(db.select(Visit).order_by(Visit.id)).scalars()]


def attempt(function):
    try:
        return function()
    except d1.Error as error:
        return type(error).__name__


@app.get("/pep249")
def pep249():
    connection = d1.connect("DB")
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS t")
    cursor.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL UNIQUE, c BLOB, d REAL)")
    seen = {}
    cursor.execute("INSERT INTO t (b, c, d) VALUES (?, ?, ?)", ("one", b"\0\xff", None))
    seen["insert"] = [cursor.rowcount, cursor.lastrowid, cursor.description]
    cursor.executemany("INSERT INTO t (b, d) VALUES (?, ?)", [("two", 1.5), ("three", True)])
    seen["executemany"] = cursor.rowcount
    cursor.execute("SELECT b, c, d, b FROM t ORDER BY a")
    seen["description"] = [each[0] for each in cursor.description]
    seen["rows"] = [repr(cursor.fetchone()), len(cursor.fetchmany(1)), cursor.fetchall(), cursor.fetchone()]
    cursor.execute("UPDATE t SET d = 2 WHERE a > ? RETURNING a, d", (1,))
    seen["returning"] = [cursor.rowcount, sorted(cursor)]
    cursor.execute("DELETE FROM t WHERE a = 99 RETURNING a")
    seen["none returned"] = [cursor.rowcount, cursor.fetchall()]
    cursor.execute("-- a comment\nWITH x AS (SELECT 'INSERT' AS a) SELECT replace(a, 'X', ''), 'RETURNING' FROM x")
    seen["with"] = cursor.fetchall()
    cursor.execute("INSERT INTO t (b) VALUES ('RETURNING')")
    seen["word"] = [cursor.rowcount, attempt(cursor.fetchall)]
    seen["errors"] = [
        attempt(lambda: cursor.execute("INSERT INTO t (b) VALUES ('one')")),
        attempt(lambda: cursor.execute("INSERT INTO t (b) VALUES (NULL)")),
        attempt(lambda: cursor.execute("SELEC 1")),
        attempt(lambda: cursor.execute("SELECT * FROM nowhere")),
        attempt(lambda: cursor.execute("SELECT ?", (1, 2))),
        attempt(lambda: cursor.execute("SELECT ?", (2**60,))),
        attempt(lambda: cursor.execute("SELECT ?", ({},))),
        attempt(lambda: cursor.execute("BEGIN")),
        attempt(lambda: cursor.execute("SAVEPOINT a")),
        attempt(lambda: cursor.executemany("INSERT INTO t (b) VALUES (?)", [("four",), ("one",)])),
    ]
    cursor.execute("SELECT count(*) FROM t WHERE b = 'four'")
    seen["batch"] = cursor.fetchone()
    seen["injection"] = cursor.execute("SELECT ?", ("'; DROP TABLE t; --",)).fetchall()
    connection.commit()
    seen["rollback"] = [attempt(connection.rollback), attempt(lambda: cursor.execute("UPDATE t SET d = 0")).rowcount]
    seen["rollback"] += [attempt(connection.rollback), attempt(connection.rollback)]
    connection.close()
    seen["closed"] = attempt(lambda: connection.cursor().execute("SELECT 1"))
    return json.dumps(seen, default=repr)
