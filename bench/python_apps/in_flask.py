from flask import Flask, request

app = Flask(__name__)


@app.get("/hello")
def hello():
    return f"Hello, {request.args['name']}!\n"
