"""What test/fuzz/program.ts is in TypeScript: applications that do anything, as data. And an echo that Python's own
validator looks at."""

import json
import sys
from wsgiref.validate import validator

JUNK = {"string": "text", "number": 5, "null": None, "undefined": bytearray(b"x"), "array": [1], "promise": object()}
THROWN = {"error": ValueError, "string": SystemExit, "null": KeyboardInterrupt, "undefined": GeneratorExit}


class _List(list):
    pass


class _Iterator:
    def __init__(self, steps):
        self.steps = steps

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.steps)


def run(environ, start_response):
    program = json.loads(environ["fuzz.program"])
    note = environ["fuzz.note"]
    write = None

    def act(step):
        nonlocal write
        if step["do"] == "start":
            exc_info = None
            if step["excInfo"]:
                try:
                    raise ValueError("handled")
                except ValueError:
                    exc_info = sys.exc_info()
            write = start_response(step["status"], [tuple(pair) for pair in step["headers"]], exc_info)
        elif step["do"] == "write" and write is not None:
            write(bytes(step["bytes"]))
        elif step["do"] == "throw":
            raise THROWN[step["what"]]("a secret")
        elif step["do"] == "read":
            environ["wsgi.input"].read(*([] if step["size"] is None else [step["size"]]))

    def chunks(steps):
        for step in steps:
            if step["do"] == "chunk":
                yield bytes(step["bytes"])
            elif step["do"] == "junk":
                yield JUNK.get(step["what"], memoryview(b"words"))
            else:
                act(step)

    def close():
        note("closed")
        if program["close"] in ("throws", "rejects"):
            raise ValueError("close threw")

    def closing(body):
        if program["close"] != "none":
            note("handed")
            body.close = close
        return body

    if "generator" in program["shape"]:
        return closing(_Iterator(chunks(program["before"] + program["body"])))
    for step in program["before"]:
        act(step)
    if program["shape"] == "no body":
        return None
    if program["shape"] == "iterator":
        return closing(_Iterator(chunks(program["body"])))
    return closing(_List(chunks([step for step in program["body"] if step["do"] in ("chunk", "junk")])))


def _echo(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    echoed = {key: value for key, value in environ.items() if type(value) is str}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({**echoed, "length": len(body)}).encode()]


echo = validator(_echo)


def inject(environ, start_response):
    """Tries to make more of its head than it may: the header or the status that the client names."""
    status, name, value = json.loads(environ["fuzz.program"])
    start_response(status, [(name, value)])
    return [b"injected"]
