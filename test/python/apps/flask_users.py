"""What Flask keeps of one user while others are served."""

from flask import Flask, g, request, session, stream_with_context
from users import context, local, pause, streams

app = Flask(__name__)
app.secret_key = "only a test"


@app.get("/stream")
def stream():
    name = request.args["user"]
    before = [context.get(), getattr(local, "user", "nobody"), "user" in g, session.get("user", "nobody")]
    context.set(name)
    local.user = g.user = session["user"] = name
    pause(request.environ)

    def lines():
        streams.add(name)
        for _ in range(10):
            pause(request.environ)
            seen = [context.get(), local.user, g.user, session["user"], request.args["user"]]
            yield f"{len(streams)} {name} {before} {seen}\n".encode()
        streams.remove(name)

    return app.response_class(stream_with_context(lines()), mimetype="text/plain")


@app.get("/session")
def of_session():
    pause(request.environ)
    return session["user"]


@app.get("/hello")
def hello():
    return "Hello"


@app.get("/fails")
def fails():
    raise ValueError("on purpose")
