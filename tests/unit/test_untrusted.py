"""What is shown is all there is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.untrusted import lines_of, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("requirements.txt", "requirements.txt"),
        ("a\nb\r\nc\td", "a b c d"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]0;title\x07x", "x"),
        ("\x9b31mred", "red"),
        ("safe\u202etxt.exe", "safe\\u202etxt.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("blank\u3164", "blank\\u3164"),
        ("bell\x07null\x00", "bell\\u0007null\\u0000"),
        ("bad\ud800", "bad\\ud800"),
        ("Grüße 你好", "Grüße 你好"),
        ("no\u00a0break", "no break"),
        ("", ""),
    ],
)
def test_one_line__shows_what_hides(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_one_line__is_cut_with_an_ellipsis() -> None:
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("PUT https://x.blob.example/c/1?sig=abc%3D&se=1: 403", "PUT https://x.blob.example/c/1?*** 403"),
        ("https://ada:hunter2@pypi.example/simple/", "https://***@pypi.example/simple/"),
        ("git+https://token@github.com/a/b@v1#egg=b", "git+https://***@github.com/a/b@v1#egg=b"),
        ('Get "https://r.example/v2/?scope=a": EOF', 'Get "https://r.example/v2/?***": EOF'),
        ("https://pypi.example/simple/", "https://pypi.example/simple/"),
        ("is it there? yes", "is it there? yes"),
    ],
)
def test_one_line__hides_what_signs_an_address(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text(alphabet=st.characters()))
def test_one_line__is_visible_whatever_comes_in(text: str) -> None:
    shown = one_line(text)
    assert "\n" not in shown
    assert not [each for each in shown if each != " " and unicodedata.category(each)[0] in "CZ"]
    assert one_line(shown) == " ".join(shown.split())


def test_lines_of__shows_the_last_state_of_a_progress_bar() -> None:
    log = "Collecting numpy\n 10%\r 50%\r100%\r\n  Installed\n\n"
    assert lines_of(log) == ("Collecting numpy", "100%", "  Installed")


def test_lines_of__the_last_ones() -> None:
    assert lines_of("\n".join("abcdef"), last=2) == ("e", "f")
    assert lines_of("") == ()


@given(st.text(alphabet=st.characters()))
def test_lines_of__has_nothing_hidden(text: str) -> None:
    for line in lines_of(text):
        assert not [each for each in line if each != " " and unicodedata.category(each)[0] in "CZ"]
