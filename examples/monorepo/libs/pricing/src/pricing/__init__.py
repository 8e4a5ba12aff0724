"""What things cost."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from babel import Locale
from babel.numbers import format_currency

CATALOGUE = {"apple": Decimal("0.40"), "pear": Decimal("0.55"), "basket": Decimal("7.20")}
CURRENCY = "EUR"
DISCOUNT_FROM = 10
DISCOUNT = Decimal("0.05")


@dataclass(frozen=True)
class Line:
    """Some pieces of one article. Raises KeyError for one that is not in the catalogue."""

    article: str
    pieces: int

    @property
    def price(self) -> Decimal:
        full = CATALOGUE[self.article] * self.pieces
        reduced = full * (1 - DISCOUNT) if self.pieces >= DISCOUNT_FROM else full
        return reduced.quantize(Decimal("0.01"), ROUND_HALF_UP)


def show(amount: Decimal, locale: str) -> str:
    """An amount as people of a place write it. Raises ValueError for a place nobody knows."""
    return format_currency(amount, CURRENCY, locale=Locale.parse(locale, sep="-"))
