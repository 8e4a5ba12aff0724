"""Gross prices. The rates come from a package of the company, which is on its own index."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from acme_tax_rates import RATES
from bottle import Bottle, abort, request

app = Bottle()


@app.get("/healthz")
def health():
    return {"status": "ok"}


@app.get("/gross/<country>")
def gross(country):
    rate = RATES.get(country.upper())
    if rate is None:
        abort(404, f"There is no rate for {country}.")
    try:
        net = Decimal(request.query.net)
    except InvalidOperation:
        abort(400, "Give a net price: ?net=10.50")
    if not net.is_finite():
        abort(400, "A net price has an end.")
    return {"gross": str((net * (100 + Decimal(rate)) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP))}
