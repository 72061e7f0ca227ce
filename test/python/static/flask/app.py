import os

from flask import Blueprint, Flask, url_for
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

front = Flask(__name__)
# "shop/files" at /shop/assets/, and a blueprint whose folder is hidden by the application's, as its URL is the same.
shop = Blueprint("shop", __name__, url_prefix="/shop", static_folder="shop/files", static_url_path="/assets")
front.register_blueprint(shop)
front.register_blueprint(Blueprint("hidden", __name__, static_folder="shop/files", static_url_path="/static"))
api = Flask("api", root_path=os.path.join(os.path.dirname(__file__), "api"))


@front.get("/")
def index():
    names = [url_for("static", filename="css/style.css"), url_for("shop.static", filename="a b.txt")]
    return names + [str(os.path.getsize(os.path.join(front.static_folder, "css/style.css")))]


@front.get("/favicon.ico")
def icon():
    return front.send_static_file("favicon.ico")


app = ProxyFix(DispatcherMiddleware(front, {"/api": api}))
