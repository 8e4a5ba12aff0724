"""What is in a table, column by column."""

from __future__ import annotations

import io
from typing import Literal

import pandas as pd
from pydantic import BaseModel


class Column(BaseModel):
    name: str
    kind: Literal["number", "text"]
    filled: int
    distinct: int
    smallest: float | None = None
    middle: float | None = None
    largest: float | None = None


class Summary(BaseModel):
    rows: int
    columns: list[Column]


class NotATable(ValueError):
    """The text is not CSV."""


def summarise(text: str) -> Summary:
    try:
        table = pd.read_csv(io.StringIO(text))
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise NotATable(str(error)) from error
    return Summary(rows=len(table), columns=[_column(name, table[name]) for name in table])


def _column(name: object, values: pd.Series) -> Column:
    known = values.dropna()
    counts = {"name": str(name), "filled": len(known), "distinct": int(known.nunique())}
    if known.empty or not pd.api.types.is_numeric_dtype(known):
        return Column(kind="text", **counts)
    return Column(
        kind="number",
        smallest=float(known.min()),
        middle=float(known.median()),
        largest=float(known.max()),
        **counts,
    )
