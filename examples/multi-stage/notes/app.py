"""Notes: send Markdown, read HTML that is safe to show."""

import bleach
import markdown
from flask import Flask, request

ALLOWED = frozenset({*bleach.ALLOWED_TAGS, "h1", "h2", "h3", "p", "pre"})

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1_000_000


@app.get("/healthz")
def health():
    return {"status": "ok"}


@app.post("/html")
def html():
    rendered = markdown.markdown(request.get_data(as_text=True), extensions=["fenced_code"])
    return bleach.clean(rendered, tags=ALLOWED)
