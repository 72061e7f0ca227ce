"""Gives the tests of django-cf the server that test/python/cloudflare-packages.test.ts has started."""

import os
from types import SimpleNamespace

import pytest
import requests


@pytest.fixture(scope="session")
def server():
    base_url = os.environ["BASE_URL"]
    for view in ("run_migrations", "create_admin"):
        requests.get(f"{base_url}/__{view}__/", timeout=60).raise_for_status()
    return SimpleNamespace(base_url=base_url)


@pytest.fixture
def d1_web_server(server):
    return server


@pytest.fixture
def r2_web_server(server):
    return server
