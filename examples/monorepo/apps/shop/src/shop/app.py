"""The shop: ask what something costs."""

from flask import Flask, abort, request

from pricing import CATALOGUE, Line, show

app = Flask(__name__)


@app.get("/healthz")
def health():
    return {"status": "ok"}


@app.get("/price/<article>")
def price(article):
    pieces = request.args.get("pieces", default=1, type=int)
    if article not in CATALOGUE or pieces < 1:
        abort(404)
    line = Line(article, pieces)
    return {"article": article, "pieces": pieces, "price": show(line.price, request.accept_languages.best or "en")}


@app.errorhandler(ValueError)
def unknown_language(error):
    return {"error": str(error)}, 400
