from bottle import Bottle, request

app = Bottle()


@app.get("/")
def index():
    name = request.query.getunicode("name", "world")
    return {"hello": name}
