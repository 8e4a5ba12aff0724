from __future__ import annotations

import pytest

from pycache_action.dockerfile.expand import UNKNOWN, Unknown
from pycache_action.dockerfile.shell.commands import parse_script
from pycache_action.dockerfile.shell.words import ShellSyntaxError, Value, evaluate

VALUES: dict[str, str | Unknown | None] = {"A": "a", "TWO": "x y", "EMPTY": "", "STAR": "*.txt", "HOME": "/root"}


def lookup(name: str) -> str | Unknown | None:
    return VALUES.get(name, UNKNOWN)


def words(script: str) -> list[list[str]]:
    commands = parse_script(script)
    return [[value.text for word in one.words for value in evaluate(word, lookup)] for one in commands]


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("a b", [["a", "b"]]),
        ("a;b&&c||d|e&f\ng", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]]),
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("a 'x''y'\"z\"w", [["a", "xyzw"]]),
        ("a ''", [["a", ""]]),
        ("$A ${A}b '$A' \"$A\" \\$A", [["a", "ab", "$A", "a", "$A"]]),
        ('a $TWO "$TWO" $EMPTY "$EMPTY" z', [["a", "x", "y", "x y", "", "z"]]),
        ("a b$TWO", [["a", "bx", "y"]]),
        ("${EMPTY:-d} ${A:+e}", [["d", "e"]]),
        ("a # b\nc#d", [["a"], ["c#d"]]),
        ("a \\\n b \\\r\n c", [["a", "b", "c"]]),
        ("a\\\nb", [["ab"]]),
        ('"a \\" \\$ \\n"', [['a " $ \\n']]),
        ("$'a\\n\\'b'", [["a\n'b"]]),
        ("cd ~ ~/x '~' a~", [["cd", "/root", "/root/x", "~", "a~"]]),
        ("(a; b) && { c; d; }", [["a"], ["b"], ["c"], ["d"]]),
        ("if a; then b; elif c; then d; else e; fi; f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("while a; do b; done; until c; do d; done", [["a"], ["b"], ["c"], ["d"]]),
        ("case $x in (a|b) c;; *) d ;; esac; e", [["c"], ["d"], ["e"]]),
        ("case x in a) b; esac", [["b"]]),
        ("case x\nin\na)\nb\n;;\nesac", [["b"]]),
        ("f() { a; }; function g { b; }", [["a"], ["b"]]),
        ("((1+1)); a $((1+1))", [["a", "$((1+1))"]]),
        ("[[ -f x && $y < z ]] && a", [["[["], ["a"]]),
        ("! a; time b", [["a"], ["b"]]),
        ("a $(b 'c)' (d)) `e` <(f)", [["a", "$(b 'c)' (d))", "`e`", "<(f)"]]),
        ("echo if then", [["echo", "if", "then"]]),
        ("a 2>&1 >b 2>/dev/null <c &>d e", [["a", "e"]]),
        ("a <<X; b\nc\nX\nd", [["a"], ["b"], ["d"]]),
        ("a <<X <<-'Y'\n1\nX\n\t2\n\tY\nb", [["a"], ["b"]]),
        ("a <<X\nno end", [["a"]]),
        ("", []),
        ("\n;;\n".replace(";;", ";"), []),
    ],
)
def test_parse_script__words_of_each_command(script: str, commands: list[list[str]]) -> None:
    assert words(script) == commands


@pytest.mark.parametrize(
    ("script", "whens"),
    [
        ("a && b; c", ["", "", ""]),
        ("a || b", ["", "only after a failure (||)"]),
        ("a || b && c", ["", "only after a failure (||)", ""]),
        ("test -f x && a && b; c", ["", "only after a test (&&)", "only after a test (&&)", ""]),
        ("[ a ] && { b; c; }; d", ["", "only after a test (&&)", "only after a test (&&)", ""]),
        ("[ a ] &&\n\n  b\nc", ["", "only after a test (&&)", ""]),
        ("cat <<E ||\ntext\nE\na", ["", "only after a failure (||)"]),
        ("grep x y > z && a", ["", ""]),
        ("grep x y 2> z && a", ["", "only after a test (&&)"]),
        ("grep -q x y && a", ["", "only after a test (&&)"]),
        ("if a; then b; fi; c", ["", "only on a condition (if)", ""]),
        ("if a; then b; fi && c", ["", "only on a condition (if)", ""]),
        ("while a; do b; done", ["", "in a loop"]),
        ("case x in y) a;; esac", ["only on a condition (case)"]),
        ("f() { a; }; f", ["in a function", ""]),
    ],
)
def test_parse_script__when_a_command_runs(script: str, whens: list[str]) -> None:
    assert [command.when for command in parse_script(script)] == whens


def test_parse_script__assignments_redirections_and_pipes() -> None:
    first, second = parse_script('A=1 B="$TWO" a > b <<E | c\ntext\nE\n')
    assert [(name, [value.text for value in evaluate(word, lookup)]) for name, word in first.assignments] == [
        ("A", ["1"]),
        ("B", ["x y"]),
    ]
    assert [(one.operator, one.document) for one in first.redirects] == [(">", ""), ("<<", "text\n")]
    assert second.source is first
    (alone,) = parse_script("A=")
    assert (alone.words, [name for name, _ in alone.assignments]) == ((), ["A"])


def test_parse_script__subshells_and_loops() -> None:
    scopes = [command.scope for command in parse_script("a; (b; (c); d); (e)")]
    assert scopes == [(), (1,), (1, 2), (1,), (3,)]
    loop, body = parse_script("for x in a $TWO *.txt; do b; done")
    assert (loop.loop, body.when) == ("x", "in a loop")
    assert [value.text for word in loop.words for value in evaluate(word, lookup)] == ["a", "x", "y", "*.txt"]


def test_evaluate__what_is_not_known() -> None:
    def values(script: str) -> list[Value]:
        return [value for word in parse_script(script)[0].words for value in evaluate(word, lookup)]

    assert values("$X/a") == [Value("${X}/a", unknown=frozenset({"X"}))]
    assert values("$(b)c") == [Value("$(b)c", substitutions=("b",))]
    assert values("*.txt '*.txt' $STAR") == [Value("*.txt", wildcard=True), Value("*.txt"), Value("*.txt")]
    assert values("`a \\`b\\``")[0].substitutions == ("a `b`",)
    assert not values("$((1))")[0].known


@pytest.mark.parametrize(
    "script",
    [
        "'a",
        '"a',
        "`a",
        "$(a",
        "${a",
        "$'a",
        "a >",
        "a (b)",
        ")",
        "fi",
        "then a",
        "if a; then b",
        "{ a",
        "(a",
        ";;",
        "case x",
        "case x in a) b",
        "[[ a",
        "((a",
        "for ((i=0;;)); do a; done",
        "{ " * 1000,
        "a;" * 30_000,
    ],
)
def test_parse_script__what_cannot_be_read(script: str) -> None:
    with pytest.raises(ShellSyntaxError):
        parse_script(script)
