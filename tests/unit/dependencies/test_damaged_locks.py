"""However a file is damaged, reading it ends with a problem or with a meaning, and what was read can be kept."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dependencies.project import read

from pycache_action.dependencies.difference import compare
from pycache_action.dependencies.model import DependencySet, Selection
from pycache_action.dependencies.read import WantedFile

LOCKS = Path(__file__).parent / "locks"
FILES = [path for path in sorted(LOCKS.rglob("*")) if path.is_file() and ".ruff_cache" not in path.parts]
EVERYTHING = Selection(all_extras=True, all_groups=True)

VALUES = [
    "5",
    "true",
    "[]",
    "{}",
    '""',
    '"x"',
    "[5]",
    "[{}]",
    "{ a = 1 }",
    "null",
    '"\\u0000"',
    "2020-01-01",
    '["a"]',
    "nan",
]


@st.composite
def damage(draw: st.DrawFn) -> tuple[Path, str]:
    """Return a file and its text with some lines lost, repeated, moved, or with other values."""
    path = draw(st.sampled_from(FILES))
    lines = path.read_text().split("\n")
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["lose", "repeat", "move", "value", "value", "value", "cut"])):
            case "lose":
                del lines[place : place + draw(st.integers(1, 3))]
            case "repeat":
                lines.insert(place, lines[place])
            case "move":
                lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(place))
            case "cut":
                lines[place] = lines[place][: draw(st.integers(0, 40))]
            case _:
                separator = next((one for one in (" = ", ": ") if one in lines[place]), "")
                value = draw(st.sampled_from(VALUES))
                lines[place] = f"{lines[place].partition(separator)[0]}{separator}{value}" if separator else value
        lines = lines or [""]
    return path, "\n".join(lines)


@settings(deadline=None, max_examples=100)
@given(damage())
def test_read__damaged(damaged: tuple[Path, str]) -> None:
    path, text = damaged
    whole: dict[str, str | bytes] = {one.name: one.read_text() for one in path.parent.iterdir() if one.is_file()}
    wanted = [WantedFile(name, selection=EVERYTHING) for name in whole]
    before, after = read(whole, *wanted), read({**whole, path.name: text}, *wanted)
    assert not before.problems
    assert DependencySet.from_json(json.loads(json.dumps(after.to_json()))) == after
    difference = compare(before, after)
    assert difference.is_empty == (before.meaning() == after.meaning())
    json.dumps(difference.to_json())
