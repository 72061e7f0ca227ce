"""Data and code that go deeper than a stack, and ordinary recursion."""

import copy
import json
import pickle
import xml.etree.ElementTree

served = 0


def nested(make, depth):
    value = make(None)
    for _ in range(depth):
        value = make(value)
    return value


class Repr:
    def __repr__(self):
        return repr([self])


class Attribute:
    def __getattr__(self, name):
        return getattr(self, name + "x")


def keyed(depth):
    return sorted([depth], key=lambda depth: keyed(depth - 1) and 0 if depth else 0)


DEEP = {
    "json.loads": lambda: json.loads("[" * 8000),
    "json.loads of objects": lambda: json.loads('{"a":' * 8000),
    "json.dumps": lambda: json.dumps(nested(lambda value: [value], 8000)),
    "pickle.dumps": lambda: pickle.dumps(nested(lambda value: [value], 8000)),
    "repr": lambda: repr(nested(lambda value: {1: value}, 8000)),
    "repr by __repr__": lambda: repr(Repr()),
    "==": lambda: nested(lambda value: [value], 8000) == nested(lambda value: [value], 8000),
    "XML": lambda: xml.etree.ElementTree.tostring(xml.etree.ElementTree.fromstring("<a>" * 8000 + "</a>" * 8000)),
    "deepcopy": lambda: copy.deepcopy(nested(lambda value: [value], 8000)),
    "__getattr__": lambda: Attribute().name,
    "sorted": lambda: keyed(8000),
    "compile": lambda: compile("+".join(["1"] * 50_000), "x", "eval"),
}

FLAT = {
    "deallocation of tuples": lambda: nested(lambda value: (value,), 100_000) and 1,
    "deallocation of dictionaries": lambda: nested(lambda value: {1: value}, 100_000) and 1,
    "deallocation of iterators": lambda: nested(lambda value: map(str, value or ()), 100_000) and 1,
    "deallocation of elements": lambda: xml.etree.ElementTree.fromstring("<a>" * 8000 + "</a>" * 8000) is not None,
    "unpickling": lambda: pickle.loads(b"(l" * 8000 + b"a" * 7999 + b".") and 1,
    "ordinary JSON": lambda: len(json.dumps(json.loads("[" * 900 + "]" * 900))),
    "ordinary sorting": lambda: len(keyed(120)),
    "ordinary copying": lambda: len(copy.deepcopy(nested(lambda value: [value], 150))),
    "ordinary functions": lambda: (lambda f: f(f, 900))(lambda f, n: n and f(f, n - 1)) == 0,
}


def app(environ, start_response):
    """Answers with the number of requests so far and what came of each kind."""
    global served
    served += 1
    came = {}
    for name, task in {**DEEP, **FLAT}.items():
        try:
            came[name] = bool(task())
        except RecursionError:
            came[name] = "RecursionError"
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([served, came]).encode()]
