"""Attribute strings are read and written as buildx does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.buildx.attributes import join_fields, parse_attributes, render_attributes, split_fields

KEYS = st.from_regex(r"[a-z][a-z0-9.-]{0,12}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


def test_parse_attributes__keeps_order_and_values() -> None:
    attributes = parse_attributes("type=registry,ref=example.com/app:cache,mode=max")

    assert list(attributes.items()) == [("type", "registry"), ("ref", "example.com/app:cache"), ("mode", "max")]


def test_parse_attributes__quoted_field_keeps_its_commas() -> None:
    assert parse_attributes('type=image,"name=a/b,c/d",push=true') == {
        "type": "image",
        "name": "a/b,c/d",
        "push": "true",
    }


def test_parse_attributes__value_keeps_its_equals_signs() -> None:
    assert parse_attributes("env=A=B=C") == {"env": "A=B=C"}


def test_parse_attributes__keys_are_in_lower_case() -> None:
    assert parse_attributes("Type=local, DEST=Out") == {"type": "local", "dest": "Out"}


def test_parse_attributes__empty() -> None:
    assert parse_attributes("") == {}


@pytest.mark.parametrize("text", ["user/app:cache", "type=local,out", "=x", " =x"])
def test_parse_attributes__refuses(text: str) -> None:
    with pytest.raises(ValueError, match="key=value"):
        parse_attributes(text)


@pytest.mark.parametrize("text", ['"type=local', "type=local\nref=x"])
def test_split_fields__refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        split_fields(text)


def test_join_fields__quotes_where_needed_only() -> None:
    assert join_fields(["type=local", "dest=a,b", 'x="y"']) == 'type=local,"dest=a,b","x=""y"""'


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=6))
def test_render_attributes__is_read_back(attributes: dict[str, str]) -> None:
    assert parse_attributes(render_attributes(attributes)) == attributes
