from __future__ import annotations

import time

import pytest

from pycache_action.dockerfile.paths import (
    PatternError,
    below,
    clean,
    has_wildcard,
    in_context,
    join,
    matches,
    unescape,
)


@pytest.mark.parametrize(
    ("folder", "path", "joined"),
    [
        ("/app", "a", "/app/a"),
        ("/app", "./a/../b/", "/app/b"),
        ("/app", "/a", "/a"),
        ("/app", "../../..", "/"),
        ("/", ".", "/"),
        ("/app", "//a", "/a"),
        ("/app", "${HOME}/a", "${HOME}/a"),
        ("${ROOT}", "a", "${ROOT}/a"),
    ],
)
def test_join(folder: str, path: str, joined: str) -> None:
    assert join(folder, path) == joined


def test_clean_and_in_context() -> None:
    assert (clean(""), clean("a/./b//c/.."), clean("//a")) == (".", "a/b", "/a")
    assert (in_context("/a/b"), in_context("../../a"), in_context("./"), in_context("/")) == ("a/b", "a", ".", ".")


def test_below() -> None:
    assert (below("/a/b", "/a"), below("/a", "/a"), below("/ab", "/a"), below("/a", "/")) == ("b", ".", None, "a")


@pytest.mark.parametrize(
    ("pattern", "path", "held"),
    [
        ("*.txt", "a.txt", True),
        ("*.txt", "a/b.txt", False),
        ("*/*.txt", "a/b.txt", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        (r"[\]]", "]", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-b-b", False),
        ("*", "", True),
        ("**", "ab", True),
        ("**", "a/b", False),
        ("a.c", "abc", False),
    ],
)
def test_matches__as_go_does(pattern: str, path: str, held: bool) -> None:
    assert matches(pattern, path) is held


@pytest.mark.parametrize("pattern", ["[", "[]", "[a", "a\\", "[-a]", "[^]"])
def test_matches__malformed(pattern: str) -> None:
    with pytest.raises(PatternError):
        matches(pattern, "a")


def test_matches__many_stars_take_no_time() -> None:
    begun = time.monotonic()
    assert not matches("*a" * 60 + "b", "a" * 250)
    assert time.monotonic() - begun < 1


def test_wildcards_and_escapes() -> None:
    assert [has_wildcard(text) for text in ("a*", "a?", "[a]", r"\*", r"a\\*", "a]")] == [True] * 3 + [
        False,
        True,
        False,
    ]
    assert unescape(r"a\*b\\c") == r"a*b\c"
