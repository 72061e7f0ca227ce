"""What Flask keeps of one user while others are served."""

from flask import Flask, g, request, session, stream_with_context
from users import context, local, pause

app = Flask(__name__)
app.secret_key = "only a test"


@app.get("/stream")
def stream():
    name = request.args["user"]
    before = [context.get(), getattr(local, "user", "nobody"), "user" in g, session.get("user", "nobody")]
    context.set(name)
    local.user = g.user = session["user"] = name
    pause(request.environ, name)

    def lines():
        for _ in range(10):
            count = pause(request.environ, name)
            seen = [context.get(), local.user, g.user, session["user"], request.args["user"]]
            yield f"{count} {name} {before} {seen}\n".encode()

    return app.response_class(stream_with_context(lines()), mimetype="text/plain")


@app.get("/session")
def of_session():
    pause(request.environ, session["user"])
    return session["user"]


@app.get("/hello")
def hello():
    return "Hello"


@app.get("/fails")
def fails():
    raise ValueError("on purpose")
