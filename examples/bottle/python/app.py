"""A poll: one file, one dependency."""

from bottle import Bottle, HTTPError, redirect, request, response, template

CHOICES = ["coffee", "tea", "water"]

app = Bottle()
votes = dict.fromkeys(CHOICES, 0)  # as long as the interpreter lives

PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Poll</title>
  <style>
    :root { color-scheme: light dark; font: 1.0625rem/1.6 system-ui, sans-serif; }
    body { max-width: 28rem; margin: 2rem auto; padding: 0 1.25rem; }
    table { width: 100%; border-collapse: collapse; }
    th, td { padding: 0.375rem 0; border-top: 1px solid light-dark(#dcdfe4, #333c48); text-align: left; }
    td { text-align: right; }
    button { font: inherit; padding: 0.375rem 1rem; margin: 1rem 0.5rem 0 0; }
  </style>
</head>
<body>
  <h1>What do you drink?</h1>
  <table>
    % for choice, count in votes.items():
    <tr><th scope="row">{{choice}}</th><td>{{count}}</td></tr>
    % end
  </table>
  % if voted:
  <p>Thank you for {{voted}}.</p>
  % else:
  <form method="post" action="vote">
    % for choice in votes:
    <button name="choice" value="{{choice}}">{{choice}}</button>
    % end
  </form>
  % end
</body>
</html>
"""


@app.get("/")
def index():
    return template(PAGE, votes=votes, voted=request.get_cookie("voted"))


@app.post("/vote")
def vote():
    choice = request.forms.getunicode("choice")
    if choice not in votes:
        raise HTTPError(400, "There is no such choice.")
    if request.get_cookie("voted"):
        raise HTTPError(409, "You have voted.")
    votes[choice] += 1
    response.set_cookie("voted", choice, path="/", httponly=True, samesite="lax")
    redirect(".")


@app.get("/votes.json")
def results():
    return votes
