"""The text of an input becomes its value, as docker/build-push-action reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.errors import InputError
from pycache_action.settings import Kind, Option, Section, Value, parse_value, split_list, suggest


def parse(kind: Kind, text: str | bool | tuple[str, ...], *, choices: tuple[str, ...] = (), default: str = "") -> Value:
    declared = Option(
        field="some_input", kind=kind, section=Section.BUILD, help="Help.", choices=choices, default=default
    )
    return parse_value(declared, text)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", ()),
        ("bar", ("bar",)),
        ("bar\nbaz", ("bar", "baz")),
        ("bar\n\n  \nbaz\n", ("bar", "baz")),
        ("bar,baz,", ("bar", "baz")),
        ("bar\r\nbaz,bat", ("bar", "baz", "bat")),
        (" bar , baz ", ("bar", "baz")),
        ('linux/amd64\n"linux/arm64,linux/arm/v7"', ("linux/amd64", "linux/arm64", "linux/arm/v7")),
        ('a,"b,c"', ("a", "b,c")),
        ("bar#baz", ("bar#baz",)),
        ("# no comment", ("# no comment",)),
    ],
)
def test_split_list__commas_end_an_item(text: str, items: tuple[str, ...]) -> None:
    assert split_list(text, commas=True) == items


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("user/app:cache\ntype=local,src=a/b", ("user/app:cache", "type=local,src=a/b")),
        ("A=x,y=z\n  B=c  ", ("A=x,y=z", "B=c")),
        ('"A=one\n\ntwo"\nB=x', ("A=one\n\ntwo", "B=x")),
        ('"A=one\r\ntwo"\r\nB=x', ("A=one\r\ntwo", "B=x")),
        ('"A=say ""hi"""', ('A=say "hi"',)),
        ('title=He said "no", twice', ('title=He said "no", twice',)),
        ('json={"a":"b","c":[1,2]}', ('json={"a":"b","c":[1,2]}',)),
        ('"quoted" and more, after', ('"quoted" and more, after',)),
        ('""', ()),
        ("=", ("=",)),
    ],
)
def test_split_list__commas_stay(text: str, items: tuple[str, ...]) -> None:
    assert split_list(text, commas=False) == items


def test_split_list__untrimmed_keeps_the_last_new_lines_of_a_quoted_value() -> None:
    assert split_list('"KEY=a\nb\n\n"\n', commas=False, trimmed=False) == ("KEY=a\nb\n\n",)


def test_split_list__without_quoting() -> None:
    text = 'type=image,"name=a/b,c/d",push=true\ntype=local,dest=out'

    assert split_list(text, commas=False, quotes=False) == (
        'type=image,"name=a/b,c/d",push=true',
        "type=local,dest=out",
    )


@pytest.mark.parametrize("text", ['"A=x', 'ok\n"A=x\ny', '"a""'])
def test_split_list__open_quote(text: str) -> None:
    with pytest.raises(ValueError, match="quote is opened on line"):
        split_list(text, commas=False)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1), max_size=5))
def test_split_list__whatever_is_quoted_comes_back(values: list[str]) -> None:
    items = [value for value in values if value.strip()]
    text = "\n".join('"' + item.replace('"', '""') + '"' for item in items)

    assert split_list(text, commas=False, trimmed=False) == tuple(items)


@given(st.text(alphabet='ab",\n\r '))
def test_split_list__ends_on_any_text(text: str) -> None:
    try:
        split_list(text, commas=True)
    except ValueError:
        assert '"' in text


def test_split_list__long_runs_of_quotes_end_soon() -> None:
    with pytest.raises(ValueError, match="never closed"):
        split_list('"' * 100_001, commas=False)


@pytest.mark.parametrize("text", ["true", "True", "TRUE", " true "])
def test_parse_value__true(text: str) -> None:
    assert parse(Kind.BOOLEAN, text) is True


@pytest.mark.parametrize("text", ["false", "False", "FALSE", ""])
def test_parse_value__false(text: str) -> None:
    assert parse(Kind.BOOLEAN, text) is False


@pytest.mark.parametrize("text", ["yes", "1", "tRUE", "on"])
def test_parse_value__neither_true_nor_false(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(Kind.BOOLEAN, text)

    assert caught.value.message == f"some-input: {text!r} is neither true nor false"
    assert caught.value.hint


def test_parse_value__unknown_choice_is_shown_with_a_suggestion() -> None:
    with pytest.raises(InputError) as caught:
        parse(Kind.CHOICE, "alway", choices=("auto", "always", "never"), default="auto")

    assert caught.value.message == "some-input: 'alway' is not known"
    assert caught.value.hint == "Did you mean 'always'? It may be one of: auto, always, never."


def test_parse_value__choice_not_given_is_the_default() -> None:
    assert parse(Kind.CHOICE, " ", choices=("auto", "always"), default="auto") == "auto"


def test_parse_value__text_is_trimmed() -> None:
    assert parse(Kind.STRING, "\n x \t") == "x"


def test_parse_value__list_where_text_is_wanted() -> None:
    with pytest.raises(InputError, match="a list is given"):
        parse(Kind.STRING, ("a", "b"))


def test_parse_value__boolean_where_a_list_is_wanted() -> None:
    with pytest.raises(InputError, match="where a list is wanted"):
        parse(Kind.LIST, True)


def test_parse_value__items_of_lines_are_taken_as_they_are() -> None:
    assert parse(Kind.LINES, ('A="x", y', "", " B=two\nlines ")) == ('A="x", y', "B=two\nlines")


def test_parse_value__items_of_a_list_are_split() -> None:
    assert parse(Kind.LIST, ("a,b", "c")) == ("a", "b", "c")


@pytest.mark.parametrize("given_text", ["a\0b", ("ok", "a\0")])
def test_parse_value__nul(given_text: str | tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="NUL"):
        parse(Kind.LINES, given_text)


def test_suggest__nothing_close() -> None:
    assert suggest("zzz", ["auto", "never"]) == ""
