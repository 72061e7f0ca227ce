"""Recursion through C that waits at its deepest point, while other requests do the same."""

import random
from urllib.parse import parse_qs

from pyodide.ffi import run_sync

DEPTH = 100
done = 0  # tasks of wait_until


def deep(depth, wait):
    if depth == 0:
        run_sync(wait())
        return [1]
    kept = [str(depth) * 3, {"depth": depth}]
    [numbers] = map(deep, [depth - 1], [wait])  # through C
    assert kept == [str(depth) * 3, {"depth": depth}], kept
    return numbers + [len(numbers) + 1]


def waiting(seed, wait):
    chance = random.Random(seed)
    for _ in range(10):
        depth = chance.randint(0, DEPTH)
        assert deep(depth, wait) == list(range(1, depth + 2))


def app(environ, start_response):
    query = parse_qs(environ["QUERY_STRING"])
    wait = environ["test.wait"]
    seed = int(query["seed"][0])
    if "task" in query:

        async def task():
            global done
            waiting(seed, wait)
            done += 1

        environ["wsgi_edge.wait_until"](task())
    else:
        waiting(seed, wait)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(done).encode()]
