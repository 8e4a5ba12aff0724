"""Tables: send a CSV file, or the URL of one, and read what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import httpx
import structlog
from fastapi import FastAPI, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest
from pydantic import HttpUrl

from service.settings import Settings
from service.summary import NotATable, Summary, summarise

settings = Settings()
log = structlog.get_logger()
tables = Counter("tables_total", "Tables that were read", ["way"])
templates = Jinja2Templates(Path(__file__).with_name("templates"))
app = FastAPI(title="Tables")


@app.get("/", response_class=HTMLResponse)
def page(request: Request) -> Response:
    return templates.TemplateResponse(request, "page.html", {"largest": settings.largest_upload})


@app.get("/healthz")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@app.post("/summary")
async def upload(table: UploadFile) -> Summary:
    return read(await table.read(settings.largest_upload + 1), way="upload")


@app.post("/summary/of")
async def fetch(url: Annotated[HttpUrl, Form()]) -> Summary:
    async with httpx.AsyncClient(timeout=settings.fetch_seconds, follow_redirects=True) as client:
        answer = await client.get(str(url))
    if answer.is_error:
        raise HTTPException(502, f"{url} answered {answer.status_code}")
    return read(answer.content, way="url")


def read(content: bytes, *, way: str) -> Summary:
    if len(content) > settings.largest_upload:
        raise HTTPException(413, f"A table has at most {settings.largest_upload} bytes.")
    try:
        summary = summarise(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, NotATable) as error:
        raise HTTPException(422, f"This is not a CSV file in UTF-8: {error}") from error
    tables.labels(way).inc()
    log.info("table read", way=way, rows=summary.rows, columns=len(summary.columns))
    return summary
