"""The attribute strings of buildx: `type=registry,ref=registry.example.com/app`, one CSV record of `key=value` fields.

Read as buildx reads them: https://github.com/docker/buildx/blob/461836ba0fcb3e847dab6045a726889faa150bdb/util/buildflags/export.go#L95-L137
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def split_fields(text: str) -> tuple[str, ...]:
    """Cut one CSV record into its fields, quotes removed. Empty text has none. Raises `ValueError`."""
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if len(records) > 1:
        raise ValueError("more than one line")
    return tuple(records[0]) if records else ()


def join_fields(fields: Iterable[str]) -> str:
    """Write one CSV record, with quotes only where they are needed."""
    record = io.StringIO()
    csv.writer(record, lineterminator="\r\n").writerow(fields)
    return record.getvalue().removesuffix("\r\n")


def parse_attributes(text: str) -> dict[str, str]:
    """Return the attributes in their order, keys in lower case, the last of a repeated key.

    Raises `ValueError` where a field has no `=`: the short forms (`user/app:cache`, `./folder`) are the caller's.
    """
    attributes: dict[str, str] = {}
    for field in split_fields(text):
        key, equals, value = field.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"{field!r} is not of the form key=value")
        attributes[key.strip().lower()] = value
    return attributes


def render_attributes(attributes: Mapping[str, str]) -> str:
    """Write attributes so that `parse_attributes`, and buildx, read the same again."""
    return join_fields(f"{key}={value}" for key, value in attributes.items())


def parse_output(text: str) -> dict[str, str]:
    """Return the attributes of one `--output`, short forms (`-`, `./folder`) written out. Raises `ValueError`."""
    fields = split_fields(text)
    if len(fields) == 1 and fields[0] == text and not text.startswith("type="):
        return {"type": "tar" if text == "-" else "local", "dest": text}
    return parse_attributes(text)
