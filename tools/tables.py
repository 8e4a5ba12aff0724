"""Writes what is said of the inputs and outputs in action.yml and README.md, from their one declaration.

python -m tools.tables            print the blocks
python -m tools.tables --check    fail where a file differs from its declaration
python -m tools.tables --write    put the blocks into the files
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from pycache_action.inputs import OPTIONS
from pycache_action.outputs import OUTPUTS
from pycache_action.settings import Option, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
ACTION = ROOT / "action.yml"
README = ROOT / "README.md"


def render_action_inputs() -> str:
    """The block `inputs:` of action.yml."""
    lines = ["inputs:"]
    for declared in OPTIONS:
        lines += [f"  {declared.name}:", *_description(declared.description)]
        if declared.action_default:
            lines.append(f"    default: {declared.action_default}")
    return "\n".join(lines) + "\n"


def render_action_outputs() -> str:
    """The block `outputs:` of action.yml."""
    lines = ["outputs:"]
    for name, text in OUTPUTS.items():
        lines += [f"  {name}:", *_description(text)]
    return "\n".join(lines) + "\n"


def render_input_tables() -> str:
    """README's tables of inputs, one for each section."""
    return "\n".join(_section(section) for section in Section)


def render_output_table() -> str:
    """README's table of outputs."""
    return _table(("Name", "Description"), [(f"`{name}`", text) for name, text in OUTPUTS.items()])


def update_action(text: str) -> str:
    """Return the text of action.yml with its blocks as declared. Raises `ValueError` where it lacks one."""
    text = _replace_block(text, "inputs:", render_action_inputs())
    return _replace_block(text, "outputs:", render_action_outputs())


def update_readme(text: str) -> str:
    """Return the text of README.md with its tables as declared. Raises `ValueError` where it lacks the markers."""
    text = _replace_between(text, "inputs", render_input_tables())
    return _replace_between(text, "outputs", render_output_table())


def main(arguments: Sequence[str] | None = None) -> int:
    """Print, check or write; 1 where a check found a difference."""
    parser = argparse.ArgumentParser(description="Tables of inputs and outputs in action.yml and README.md.")
    parser.add_argument("--check", action="store_true", help="fail where a file differs")
    parser.add_argument("--write", action="store_true", help="put the tables into the files")
    chosen = parser.parse_args(arguments)
    if not (chosen.check or chosen.write):
        print(render_action_inputs(), render_action_outputs(), render_input_tables(), render_output_table(), sep="\n")
        return 0
    different = []
    for path, update in ((ACTION, update_action), (README, update_readme)):
        before = path.read_text("utf-8")
        after = update(before)
        if after != before:
            different.append(path.name)
            if chosen.write:
                path.write_text(after, "utf-8")
    if different:
        print(f"{'Wrote' if chosen.write else 'Not as declared'}: {', '.join(different)}", file=sys.stderr)
    if different and not chosen.write:
        print("Run: python -m tools.tables --write", file=sys.stderr)
    return int(bool(different) and not chosen.write)


def _section(section: Section) -> str:
    rows = [
        (f"`{declared.name}`", declared.kind.value, _default(declared), declared.help)
        for declared in OPTIONS
        if declared.section is section
    ]
    return f"#### {section.value}\n\n" + _table(("Name", "Type", "Default", "Description"), rows)


def _default(declared: Option) -> str:
    default = declared.default or declared.action_default
    return f"`{default}`" if default else ""


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _description(text: str) -> Iterator[str]:
    yield "    description: >-"
    yield from textwrap.wrap(
        text, 110, initial_indent=" " * 6, subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False
    )


def _replace_block(text: str, key: str, block: str) -> str:
    lines = text.splitlines(keepends=True)
    if f"{key}\n" not in lines:
        raise ValueError(f"action.yml has no {key}")
    start = lines.index(f"{key}\n")
    end = next(
        (number for number in range(start + 1, len(lines)) if lines[number].strip() and lines[number][0] != " "),
        len(lines),
    )
    gap = "\n" if end < len(lines) else ""
    return "".join(lines[:start]) + block + gap + "".join(lines[end:])


def _replace_between(text: str, name: str, block: str) -> str:
    before, start, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not start or not end:
        raise ValueError(f"README.md lacks the markers <!-- {name} --> and <!-- /{name} -->")
    return f"{before}{start}\n{block}\n{end}{after}"


if __name__ == "__main__":
    raise SystemExit(main())
