"""Gives the tests of sqlalchemy-cloudflare-d1 the server that test/python/cloudflare-packages.test.ts has started."""

import os
from urllib.parse import urlsplit

import pytest


@pytest.fixture
def dev_server():
    return urlsplit(os.environ["BASE_URL"]).port
