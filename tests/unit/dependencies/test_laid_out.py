"""What is read in the tools' own layout is what TOML says it is; everything else is left to tomllib."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycache_action.dependencies.laid_out import Lines, parse_laid_out
from pycache_action.dependencies.malformed import MalformedError

LOCKS = Path(__file__).parent / "locks"
FILES = sorted(path for path in LOCKS.rglob("*") if path.suffix in (".lock", ".toml") and path.name != "Pipfile.lock")


def complete(value: object) -> object:
    if isinstance(value, Lines):
        return complete(value.read())
    if isinstance(value, dict):
        return {name: complete(one) for name, one in value.items()}
    return [complete(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_parse__real_files(path: Path) -> None:
    text = path.read_text()
    document = parse_laid_out(text)
    if path.suffix == ".lock" or path.name == "pylock.toml":
        assert document is not None
    if document is not None:
        assert complete(document) == tomllib.loads(text)


LINES = [
    "[[package]]",
    "[[package]]",
    "[package.source]",
    "[[package.files]]",
    "[package]",
    "[metadata]",
    "[metadata.files]",
    "[a.b.c]",
    "[[a]]",
    'name = "a"',
    'name = "b"',
    '"quoted.name" = "x"',
    'escaped = "a \\"b\\" c"',
    'other = "a\\n"',
    "number = 1",
    "flag = true",
    "when = 2025-01-01T00:00:00Z",
    "package = 5",
    "a = [{ x = 1 }]",
    "a = { b = 1 }",
    'source = { registry = "https://h", n = 1, t = 2025-01-01T00:00:00Z, hashes = { sha256 = "a" } }',
    'source = { a = "b", a = "c" }',
    'wheels = [{ url = "u", size = 01 }]',
    'wheels = [{ url = "u", size = 10 }]',
    'files = [\n    { url = "a", n = 1 },\n    {file = "b"},\n]',
    'files = [\n    "a",\n    "b \\"c\\"",\n]',
    'files = [\n    { url = "a" },\n',
    "files = [\n]",
    "# note",
    "",
    "  indented = 1",
    "x = 1 # note",
    '"""',
    "]",
    "<<<<<<< HEAD",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=12).map("\n".join))
def test_parse__never_says_anything_else_than_tomllib(text: str) -> None:
    document = parse_laid_out(text)
    if document is not None:
        assert complete(document) == tomllib.loads(text)


def test_parse__caches_nothing_that_changes() -> None:
    text = "a = [{ x = [1] }]\n[[b]]\nc = { d = [] }\n"
    for _ in range(2):
        document = parse_laid_out(text)
        assert document is not None
        assert complete(document) == tomllib.loads(text)
    assert parse_laid_out("a = [{ x = [1] }]\n[[a]]\ny = 1\n") is None
    assert parse_laid_out("a = { x = [1] }\n[a.b]\ny = 1\n") is None


def test_lines__malformed_when_they_are_read() -> None:
    with pytest.raises(MalformedError):
        Lines(("    { a = },",)).read()
