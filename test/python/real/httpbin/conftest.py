"""Lets httpbin's own tests send their requests to a server: the test client calls an application that forwards them."""

import http.client
import os
from urllib.parse import quote, urlsplit

import httpbin

SERVER = urlsplit(os.environ["SERVER"])


def forward(environ, start_response):
    path = quote(environ["PATH_INFO"], safe="/%!$&'()*+,;=:@~", encoding="latin-1")
    query = environ["QUERY_STRING"]
    headers = {
        key[5:].replace("_", "-").title(): value for key, value in environ.items() if key.startswith("HTTP_") and key[5:]
    }
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").title()] = environ[name]
    connection = http.client.HTTPConnection(SERVER.hostname, SERVER.port, timeout=60)
    connection.request(environ["REQUEST_METHOD"], f"{path}?{query}" if query else path, body, headers)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    hop_by_hop = {"connection", "keep-alive", "transfer-encoding"}
    start_response(
        f"{response.status} {response.reason}",
        [(name, value) for name, value in response.getheaders() if name.lower() not in hop_by_hop],
    )
    return [data]


httpbin.app.wsgi_app = forward
