"""The servers of the tests, and the databases in them."""

import os

import pg8000.native
import pymysql


def postgres():
    return {"host": "127.0.0.1", "port": int(os.environ["PG_PORT"]), "user": os.environ["PG_USER"], "database": "wsgi_edge_test"}


def mariadb():
    return {"host": "127.0.0.1", "port": int(os.environ["MARIADB_PORT"]), "user": os.environ["MARIADB_USER"]}


def create_databases():
    connection = pg8000.native.Connection(**postgres() | {"database": "postgres"})
    for database in ("wsgi_edge_test", "wsgi_edge_django"):
        if not connection.run("select 1 from pg_database where datname = :name", name=database):
            connection.run(f"create database {database}")
    connection.close()
    with pymysql.connect(**mariadb()) as connection:
        for database in ("wsgi_edge_test", "wsgi_edge_django"):
            connection.cursor().execute(f"create database if not exists {database} character set utf8mb4")
    return "created"
