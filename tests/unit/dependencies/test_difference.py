from __future__ import annotations

import json

import pytest
from tests.unit.dependencies.project import read

from pycache_action.dependencies.difference import Difference, compare

HASHES = "--hash=sha256:aa", "--hash=sha256:bb"


def difference(before: str | dict[str, str | bytes], after: str | dict[str, str | bytes]) -> Difference:
    old = read({"r.txt": before} if isinstance(before, str) else before)
    new = read({"r.txt": after} if isinstance(after, str) else after)
    found = compare(old, new)
    assert found.is_empty == (old.meaning() == new.meaning())
    assert compare(old, old).is_empty
    json.dumps(found.to_json())
    return found


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ("a==1.0", "a==1.1", "upgraded"),
        ("a==1.10", "a==1.9", "downgraded"),
        ("a==1.0+cpu", "a==1.0+cu118", "upgraded"),
        ("a==1", "a", "loosened"),
        ("a==1", "a>=1", "loosened"),
        ("a>=1,<2", "a>=1,<3", "loosened"),
        ("a", "a==1", "tightened"),
        ("a>=1", "a>=2", "tightened"),
        ("a>=1,<2", "a>=2,<3", "upgraded"),
        ("a~=2.0", "a~=1.0", "downgraded"),
        ("a==1", "a>=2", "upgraded"),
        ("a!=1", "a!=2", "specifier"),
        ("a===x", "a===y", "specifier"),
        ("a", "a[x]", "extras"),
        ("a", "a ; os_name=='x'", "marker"),
        ("./a", "-e ./a", "editable"),
        ("a", "a @ https://h/a.zip", "source"),
        ("a @ https://h/a.zip", "a @ https://h/b.zip", "source"),
        ("a -C x=y", "a -C x=z", "options"),
        (f"a==1 {HASHES[0]}", f"a==1 {HASHES[1]}", "hashes"),
        (f"a==1 {HASHES[0]}", f"a==2 {HASHES[1]}", "upgraded"),
        ("a==1.0", "a[x]==1.0.0 ; os_name=='x'", "extras marker"),
        ("a[x]==1", "a==2", "upgraded extras"),
    ],
)
def test_compare__kind(before: str, after: str, kinds: str) -> None:
    found = difference(before, after)
    (change,) = found.changed
    assert " ".join(change.kinds) == kinds
    assert change.kind == kinds.split()[0]
    assert not found.added
    assert not found.removed


def test_compare__added_and_removed() -> None:
    found = difference("a\nb\n", "b\nc==1\n")
    assert [(one.name, str(one.after), str(one.after and one.after.source)) for one in found.added] == [
        ("c", "c==1", "r.txt:2")
    ]
    assert [(one.name, str(one.before)) for one in found.removed] == [("a", "a")]


def test_compare__rewritten() -> None:
    found = difference("a==1\n", "# note\nA == 1\n")
    assert found.is_empty
    assert found.rewritten == ("r.txt",)


def test_compare__nothing() -> None:
    assert difference("a==1\n", "a==1\n") == Difference()


def test_compare__one_package_once_per_python_version() -> None:
    before = "a==1 ; python_version<'3.9'\na==2 ; python_version>='3.9'\n"
    found = difference(before, before.replace("==2", "==3"))
    (change,) = found.changed
    assert (str(change.before), str(change.after)) == (
        'a==2 ; python_version >= "3.9"',
        'a==3 ; python_version >= "3.9"',
    )


def test_compare__moved_into_an_included_file() -> None:
    found = difference({"r.txt": "a\nb\n"}, {"r.txt": "-r s.txt\na\n", "s.txt": "b\n"})
    assert found.is_empty
    assert found.rewritten == ("r.txt", "s.txt")


def test_compare__requirement_becomes_constraint() -> None:
    found = difference({"r.txt": "-r s.txt", "s.txt": "b"}, {"r.txt": "-c s.txt", "s.txt": "b"})
    assert [(one.name, one.role) for one in (*found.added, *found.removed)] == [
        ("b", "constraints"),
        ("b", "requirements"),
    ]


def test_compare__options() -> None:
    (change,) = difference("-i https://a\n--pre\n", "-i https://b\n--pre\n").options_changed
    assert (change.file, change.added, change.removed) == (
        "r.txt",
        ("--index-url https://b",),
        ("--index-url https://a",),
    )


def test_compare__order_of_options() -> None:
    (change,) = difference("-i https://a\n-i https://b\n", "-i https://b\n-i https://a\n").options_changed
    assert (change.added, change.removed) == ((), ())


def test_compare__file_that_is_not_understood_says_nothing_of_its_packages() -> None:
    found = difference("a\nb\n", "a\nb=>1\n")
    assert found == Difference(unreadable=("r.txt",))


def test_compare__same_bytes_not_understood() -> None:
    assert difference("b=>1\n", "b=>1\n").is_empty


def test_compare__renamed_file() -> None:
    found = difference({"r.txt": "a\n"}, {"s.txt": "a\nb\n"})
    assert found.renamed == (("r.txt", "s.txt"),)
    assert [one.name for one in found.added] == ["b"]


def test_compare__wanted_file_that_is_new() -> None:
    before = read({"a.txt": "a\n"}, "a.txt")
    after = read({"a.txt": "a\n", "b.txt": "b\n--pre\n"}, "a.txt", "b.txt")
    found = compare(before, after)
    assert [one.name for one in found.added] == ["b"]
    assert found.options_changed[0].added == ("--pre",)


def test_compare__empty_wanted_file_is_nothing() -> None:
    before = read({"a.txt": "a\n"}, "a.txt")
    after = read({"a.txt": "a\n", "b.txt": "# none yet\n"}, "a.txt", "b.txt")
    assert before.meaning() == after.meaning()
    assert compare(before, after).is_empty
