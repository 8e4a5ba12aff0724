"""Invoices: send an order as JSON, such as {"apple": 12, "basket": 1}, and get a PDF."""

import json
from decimal import Decimal

from fpdf import FPDF
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pricing import Line, show

LOCALE = "en"


async def health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def invoice(request: Request) -> Response:
    try:
        order = await request.json()
        lines = [Line(article, int(pieces)) for article, pieces in order.items()]
        drawn = draw(lines)
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        return JSONResponse({"error": f"not an order: {error}"}, status_code=400)
    return Response(drawn, media_type="application/pdf")


def draw(lines: list[Line]) -> bytes:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Courier", size=12)
    with pdf.table(col_widths=(1, 3, 2), text_align=("RIGHT", "LEFT", "RIGHT")) as table:
        table.row(("Pieces", "Article", "Price"))
        for line in lines:
            table.row((str(line.pieces), line.article, amount(line.price)))
        table.row(("", "Total", amount(sum((line.price for line in lines), Decimal()))))
    return bytes(pdf.output())


def amount(value: Decimal) -> str:
    """The fonts that every PDF reader has know no euro sign."""
    return show(value, LOCALE).replace("€", "EUR ")


app = Starlette(routes=[Route("/healthz", health), Route("/invoice", invoice, methods=["POST"])])
