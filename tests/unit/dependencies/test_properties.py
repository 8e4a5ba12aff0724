"""Whatever the spelling: one meaning, one hash; another meaning, another hash; and never an exception."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dependencies.project import read

from pycache_action.dependencies.difference import compare
from pycache_action.dependencies.model import DependencySet

NAMES = ["flask", "flask-login", "zope-interface", "a", "my-own-package-2"]
VERSIONS = ["1", "1.0.1", "2.3", "2!1.0", "3.0rc1", "1.0.post2", "1.2+cu118"]
MARKERS = [
    "",
    'python_version < "3.9"',
    'sys_platform == "linux" and python_version >= "3.10"',
    'os_name == "nt" or os_name == "posix" and extra == "x"',
]


@dataclass(frozen=True)
class Asked:
    """One requirement, apart from any spelling."""

    name: str
    clauses: frozenset[tuple[str, str]]
    extras: frozenset[str]
    marker: str
    url: str
    hashes: frozenset[str]


def asked() -> st.SearchStrategy[Asked]:
    clauses = st.frozensets(st.tuples(st.sampled_from(["==", ">=", "<", "!="]), st.sampled_from(VERSIONS)), max_size=3)
    everything = st.builds(
        Asked,
        name=st.sampled_from(NAMES),
        clauses=clauses.map(lambda all_: frozenset(one for one in all_ if "+" not in one[1] or one[0] in ("==", "!="))),
        extras=st.frozensets(st.sampled_from(["a", "b-c", "d"]), max_size=3),
        marker=st.sampled_from(MARKERS),
        url=st.sampled_from(["", "", "https://h/x.zip", "git+https://h/x.git@v1"]),
        hashes=st.frozensets(st.sampled_from(["sha256:aa", "sha256:0b", "sha512:cc"]), max_size=3),
    )
    return everything.map(lambda one: replace(one, clauses=frozenset()) if one.url else one)


def render(one: Asked, style: Random) -> str:
    """Write a requirement in one of its many spellings."""

    def space() -> str:
        return style.choice(["", " ", "  "])

    def shuffled(values: frozenset[str]) -> list[str]:
        return style.sample(sorted(values), len(values))

    name = "".join(style.choice([c, c.upper()]) if c != "-" else style.choice("-_.") for c in one.name)
    extras = f"[{', '.join(shuffled(one.extras)).replace('-', style.choice('-_'))}]" if one.extras else ""
    clauses = [
        f"{operator}{space()}{version}" for operator, version in style.sample(sorted(one.clauses), len(one.clauses))
    ]
    specifier = f"{space()}{(space() + ',').join(clauses)}"
    where = f" @ https://{style.choice(['', 'u:p@', '${T}@'])}h/x.zip" if one.url.startswith("https") else ""
    where = f" @ {one.url}" if one.url.startswith("git") else where
    marker = (
        f"{style.choice([' ;', ' ; '])}{one.marker.replace(chr(34), style.choice(chr(34) + chr(39)))}"
        if one.marker
        else ""
    )
    gap = style.choice([" ", " \\\n    "])
    hashes = "".join(f"{gap}--hash{style.choice('= ')}{each}" for each in shuffled(one.hashes))
    comment = style.choice(["", " # why", "  #"])
    return f"{style.choice(['', '  '])}{name}{space()}{extras}{specifier}{where}{marker}{hashes}{comment}"


def project(requirements: list[Asked], style: Random) -> dict[str, str | bytes]:
    """Write requirements into one file, or into two of which the first includes the second."""
    lines = [render(one, style) for one in style.sample(requirements, len(requirements))]
    lines += [style.choice(["", "# a comment", "   "]) for _ in range(style.randrange(3))]
    lines += [render(style.choice(requirements), style)] if requirements and style.random() < 0.3 else []
    style.shuffle(lines)
    cut = style.randrange(len(lines) + 1)
    newline = style.choice(["\n", "\r\n"])
    encoding = style.choice(["utf-8", "utf-8-sig", "utf-16"])
    if style.random() < 0.5:
        return {"r.txt": newline.join(lines).replace("\n", newline).replace("\r\r", "\r").encode(encoding)}
    return {
        "r.txt": newline.join(
            [*lines[:cut], style.choice(["-r", "--requirement="]) + " more/s.txt".strip(), ""]
        ).encode(),
        "more/s.txt": newline.join(lines[cut:]).encode(encoding),
    }


def read_well(requirements: list[Asked], style: Random) -> DependencySet:
    found = read(project(requirements, style))
    assert not found.problems, str(found.problems[0])
    return found


@settings(deadline=None)
@given(st.lists(asked(), max_size=6), st.integers(), st.integers())
def test_meaning__does_not_depend_on_spelling(requirements: list[Asked], one: int, other: int) -> None:
    before, after = read_well(requirements, Random(one)), read_well(requirements, Random(other))
    assert before.meaning() == after.meaning()
    assert compare(before, after).is_empty


@settings(deadline=None)
@given(st.lists(asked(), max_size=4), st.lists(asked(), max_size=4), st.integers())
def test_meaning__of_other_requirements_is_another(one: list[Asked], other: list[Asked], seed: int) -> None:
    before, after = read_well(one, Random(seed)), read_well(other, Random(seed + 1))
    assert (before.meaning() == after.meaning()) == (set(one) == set(other))
    found = compare(before, after)
    assert found.is_empty == (set(one) == set(other))
    json.dumps(found.to_json())


@settings(deadline=None)
@given(st.lists(asked(), max_size=4), st.integers())
def test_json__round_trip(requirements: list[Asked], seed: int) -> None:
    found = read_well(requirements, Random(seed))
    assert DependencySet.from_json(json.loads(json.dumps(found.to_json()))) == found


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_read__never_raises(content: bytes) -> None:
    found = read({"r.txt": content})
    assert DependencySet.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert compare(found, read({"r.txt": content})).is_empty


PIECES = [
    "flask",
    "==",
    "1.0",
    "[",
    "]",
    ";",
    "@",
    "https://u:p@h/x",
    "-r ",
    "-e ",
    "--hash=",
    "'",
    '"',
    "\\",
    "\n",
    " ",
    "#",
    "(",
    "os_name",
    "./",
    "\t",
    "--",
    "${A}",
    "://",
    "é",
    "\x00",
    "-i ",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_read__never_raises_on_what_looks_like_requirements(text: str) -> None:
    found = read({"r.txt": text})
    assert DependencySet.from_json(json.loads(json.dumps(found.to_json()))) == found
