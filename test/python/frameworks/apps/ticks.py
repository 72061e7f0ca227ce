"""A body that comes in pieces."""

import itertools
import time

closed = 0


def ticks(count):
    """Lines, `count` of them or without an end."""
    global closed
    try:
        for i in range(count) if count else itertools.count():
            if i:
                time.sleep(0.01)
            yield f"tick {i}\n".encode()
    finally:
        closed += 1
