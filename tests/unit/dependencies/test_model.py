from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.dependencies.project import read

from pycache_action.dependencies.model import DependencySet, Selection

FILES: dict[str, str | bytes] = {
    "a.txt": "-r b.txt\n-i https://h/s\nflask[async]==1.0 ; os_name=='x' --hash=sha256:aa -C k=v\n-e ./c\n-r gone.txt\n",
    "b.txt": "zope @ https://h/z.zip\n",
}


def test_json__round_trip() -> None:
    found = read(FILES)
    again = DependencySet.from_json(json.loads(json.dumps(found.to_json())))
    assert again == found
    assert again.meaning() == found.meaning()
    assert [one.source for one in again.files[0].requirements] == [one.source for one in found.files[0].requirements]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


@pytest.mark.parametrize("forged", [[], {}, 5, True, "\x1b[31m", "a" * 100_000, {"a": 1}, [[]], -1, 1.5])
def test_from_json__refuses_whatever_is_forged_anywhere(forged: object) -> None:
    document = json.loads(json.dumps(read(FILES).to_json()))
    for place in _places(document):
        copy: Any = {"": json.loads(json.dumps(document))}
        *way, last = ("", *place)
        inner = copy
        for key in way:
            inner = inner[key]
        if type(inner[last]) is type(forged) and forged in ([], 5, True):
            continue  # as good as what stands there
        inner[last] = forged
        with pytest.raises(ValueError, match=r"expected|is not a valid"):
            DependencySet.from_json(copy[""])


@pytest.mark.parametrize(
    ("field", "value"),
    [("path", "../x"), ("path", "/x"), ("path", ""), ("digest", "zz"), ("role", "other"), ("format", "other")],
)
def test_from_json__refuses_values_that_cannot_be(field: str, value: str) -> None:
    document: Any = read(FILES).to_json()
    document["files"][0][field] = value
    with pytest.raises(ValueError, match=r"expected|is not a valid"):
        DependencySet.from_json(document)


def test_from_json__refuses_another_schema() -> None:
    with pytest.raises(ValueError, match="schema"):
        DependencySet.from_json({"schema": 2, "files": []})


def test_selection__names_in_one_spelling() -> None:
    assert Selection(extras=("Web_App", "a")) == Selection(extras=("a", "web-app"))
    assert (
        str(Selection(extras=("a",), groups=("dev",), default_groups=False))
        == "extra a, group dev, without default groups"
    )
    assert str(Selection()) == ""
