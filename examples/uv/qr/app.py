"""QR codes: send a text, get an SVG."""

import io
from importlib.metadata import version

import segno
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

SCALES = range(1, 41)


async def health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def about(request: Request) -> Response:
    return PlainTextResponse(f"qr {version('qr')}\n")


async def code(request: Request) -> Response:
    text = request.query_params.get("text", "")
    scale = request.query_params.get("scale", "8")
    if not text:
        return PlainTextResponse("Give a text: /code?text=...\n", status_code=400)
    if not scale.isdecimal() or int(scale) not in SCALES:
        return PlainTextResponse(f"scale: a number from {SCALES[0]} to {SCALES[-1]}\n", status_code=400)
    try:
        made = segno.make(text, micro=False)
    except segno.DataOverflowError:
        return PlainTextResponse("The text is too long for a QR code.\n", status_code=413)
    drawing = io.BytesIO()
    made.save(drawing, kind="svg", scale=int(scale))
    return Response(drawing.getvalue(), media_type="image/svg+xml")


app = Starlette(routes=[Route("/", about), Route("/healthz", health), Route("/code", code)])
