"""Text of others stays text: read back by a Markdown parser, nothing else comes out."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pycache_action.github.markdown import block, cell, code, code_block, link, own, prose
from pycache_action.untrusted import one_line

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

HOSTILE = [
    "a`b",
    "``",
    "`",
    "x`y``z```",
    "` `",
    "|",
    r"\|",
    r"\\|",
    "a|b\\",
    "@org/team",
    "thanks @ada, see #12 and GH-7",
    "[x](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "https://evil.example www.evil.example",
    "<img src=x onerror=alert(1)>",
    "--> <!-- pycache-action:x -->",
    "</details><h1>",
    "**bold** _it_ ~~x~~ $`x`$ :tada:",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "```\ncode\n```",
    "a\n\n| x |\n| - |\n",
    "&lt;b&gt; &#64;ada",
    "user@example.com",
    "safe\u202eexe",
    "a\u200bb",
    "0123456789abcdef0123456789abcdef01234567",
]

texts = st.one_of(
    st.text(alphabet=st.characters()),
    st.text(alphabet=st.sampled_from("`|\\ab 1.@#[]()<>!*_~&-+=:/\n$'\"")),
    st.lists(st.sampled_from(HOSTILE)).map(" ".join),
)


def spans(markdown: str) -> list[tuple[str, str]]:
    """What a paragraph holds: (type, content) of each inline token."""
    tokens = PARSER.parse(f"word {markdown} word")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"], markdown
    return [(token.type, token.content) for token in tokens[1].children or []]


def cells(markdown: str) -> list[list[tuple[str, str]]]:
    """The cells of a table's only row, which must be three."""
    tokens = PARSER.parse(f"| a | b | c |\n| - | - | - |\n| first | {markdown} | last |\n\nafter")
    inside = [token for token in tokens if token.type == "inline"]
    assert [token.content for token in (*inside[:4], *inside[-2:])] == ["a", "b", "c", "first", "last", "after"]
    assert len(inside) == 7
    return [[(child.type, child.content) for child in token.children or []] for token in inside[3:6]]


def assert_harmless(found: list[tuple[str, str]]) -> None:
    """Plain text and code only, and nothing in the text that GitHub makes something of."""
    assert {kind for kind, _ in found} <= {"text", "code_inline"}
    text = "".join(content for kind, content in found if kind == "text")
    assert not set(text) & set("@#<>[]*_~|$&\\"), text
    assert "://" not in text
    assert "www." not in text


def shown(found: list[tuple[str, str]]) -> str:
    return "".join(content for _, content in found)


@pytest.mark.parametrize("text", HOSTILE)
def test_code__shows_the_text_as_it_is(text: str) -> None:
    found = spans(code(text))
    assert_harmless(found)
    assert shown(found) == f"word {one_line(text)} word"


@given(texts)
def test_code__whatever_it_holds(text: str) -> None:
    found = spans(code(text, 0))
    assert_harmless(found)
    assert shown(found).split() == f"word {one_line(text)} word".split()


@pytest.mark.parametrize("text", HOSTILE)
def test_cell__shows_code_as_it_is(text: str) -> None:
    found = cells(cell(code(text)))[1]
    assert_harmless(found)
    assert shown(found) == one_line(text)


@given(texts)
def test_cell__whatever_it_holds(text: str) -> None:
    found = cells(cell(code(text, 0)))[1]
    assert_harmless(found)
    assert shown(found).strip() == one_line(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_prose__has_nothing_but_text_and_code(text: str) -> None:
    assert_harmless(spans(prose(text)))


@given(texts)
@example("(`a`)`b`")
def test_prose__whatever_it_holds(text: str) -> None:
    found = spans(prose(text, 0))
    assert_harmless(found)
    told = shown(found).replace("`", "").replace("\\", "").replace(" ", "")
    assert told == f"word {one_line(text)} word".replace("`", "").replace("\\", "").replace(" ", "")


@given(texts)
def test_prose__begins_no_block(text: str) -> None:
    tokens = PARSER.parse(f"- {prose(text, 0)}\n")
    inside = [token.type for token in tokens[2:-2]]
    assert inside in ([], ["paragraph_open", "inline", "paragraph_close"])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("All 28 packages were installed.", "All 28 packages were installed."),
        ("pydantic-core was upgraded from 2.18.2 to 2.23.4", "pydantic-core was upgraded from 2.18.2 to 2.23.4"),
        ("which `COPY . .` copies", "which `COPY . .` copies"),
        ("requirements.txt changed", "`requirements.txt` changed"),
        ("It isn't (looked at: pr-12, main).", "It isn't (looked at: `pr-12`, main)."),
        ("the file's mode, 0644", "the file's mode, 0644"),
        ("1. first", "1\\. first"),
        ("an open ` backtick", "an open backtick"),
        ("Grüße an alle", "Grüße an alle"),
        ("`a``b`", "`a` `b`"),
        ("", ""),
    ],
)
def test_prose__reads_like_prose(text: str, written: str) -> None:
    assert " ".join(prose(text).split()) == written


def test_code__is_cut() -> None:
    assert code("x" * 500) == f"`{'x' * 119}…`"


def test_code__of_nothing_is_nothing() -> None:
    assert code(" \n ") == ""


def test_link__without_an_address_is_the_text() -> None:
    assert link(code("Dockerfile:7"), "") == "`Dockerfile:7`"
    assert link(code("a]b"), "https://x/y#L1") == "[`a]b`](https://x/y#L1)"


@given(st.lists(texts))
def test_code_block__cannot_be_left(lines: list[str]) -> None:
    clean = [one_line(line) for line in lines]
    tokens = PARSER.parse(f"before\n\n{code_block(clean)}\n\nafter")
    assert [token.type for token in tokens if token.type != "inline" and "paragraph" not in token.type] == ["fence"]
    assert tokens[3].content.splitlines() == clean


def test_block__shows_the_last_lines() -> None:
    assert block("a\nb\n  c\n", last=2) == "```text\nb\n  c\n```"


def test_own__is_the_text() -> None:
    assert own("**bold**") == "**bold**"
