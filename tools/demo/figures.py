"""The pictures in README: drawn from what the demo measured and posted, and from nothing else.

python -m tools.demo --keep docs        # docs/figures.json, docs/comment.md
python -m tools.demo.figures            # docs/figures.svg and, where there is a Chromium, docs/comment.png
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.demo.workflow import Outcome

DOCS = Path(__file__).parents[2] / "docs"
COMMAND = "python -m tools.demo --keep docs"
WIDTH, LEFT, RIGHT = 760, 150, 250
BAR, ROW, TOP = 16, 34, 44
FONT = 'font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif"'


def keep(folder: Path, outcomes: Sequence[Outcome], comment: str) -> None:
    """Keep the comment, and what the runs took, by which command, on what machine."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, registry on loopback"
    runs = [_keep(outcome) for outcome in outcomes]
    document = {"command": COMMAND, "machine": machine, "runs": runs}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(document, indent=2) + "\n")
    (folder / "comment.md").write_text(comment)


def _keep(outcome: Outcome) -> dict[str, object]:
    steps = outcome.report["install_steps"]
    return {
        "title": outcome.title,
        "seconds": round(outcome.seconds, 1),
        "install_seconds": round(sum(step["seconds"] for step in steps if not step["cached"]), 1),
        "result": outcome.report["result"],
        "causes": list(dict.fromkeys(cause["id"] for step in steps for cause in step["causes"])),
    }


def render_chart(measured: dict[str, Any]) -> str:
    """One bar for each run: the install step dark, the rest of the run light."""
    runs = measured["runs"]
    height = TOP + ROW * len(runs) + 30
    scale = (WIDTH - LEFT - RIGHT) / max(run["seconds"] for run in runs)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" {FONT}>',
        "<title>Seconds of each run of the demo</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_legend(),
        *(line for number, run in enumerate(runs) for line in _bar(run, TOP + ROW * number, scale)),
        _text(16, height - 12, f"Measured by: {measured['command']} ({measured['machine']})", "#59636e", size=11),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _legend() -> Iterator[str]:
    yield _text(16, 24, "Seconds of a whole run, each on a new runner", "#1f2328", weight="600")
    for x, colour, words in ((LEFT + 200, "#bf8700", "install step"), (LEFT + 310, "#d0d7de", "all else")):
        yield f'<rect x="{x}" y="14" width="12" height="12" fill="{colour}"/>'
        yield _text(x + 18, 24, words, "#59636e")


def _bar(run: dict[str, Any], top: int, scale: float) -> Iterator[str]:
    install, whole = run["install_seconds"] * scale, run["seconds"] * scale
    yield _text(16, top + 13, run["title"], "#1f2328")
    yield f'<rect x="{LEFT}" y="{top}" width="{whole:.1f}" height="{BAR}" fill="#d0d7de"/>'
    if install:
        yield f'<rect x="{LEFT}" y="{top}" width="{install:.1f}" height="{BAR}" fill="#bf8700"/>'
    words = f"{run['seconds']} s, {', '.join(run['causes']) or 'cached'}"
    yield _text(LEFT + whole + 8, top + 13, words, "#1f2328", size=12)


def _text(x: float, y: float, words: str, colour: str, *, size: int = 13, weight: str = "400") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" font-weight="{weight}">{escape(words)}</text>'


def main() -> None:
    measured = json.loads((DOCS / "figures.json").read_text())
    (DOCS / "figures.svg").write_text(render_chart(measured))
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("no Chromium: docs/comment.png is left as it is", file=sys.stderr)
        return
    from tools.pictures.__main__ import take_picture
    from tools.pictures.page import render_page

    page = DOCS / "comment.html"
    page.write_text(
        render_page((DOCS / "comment.md").read_text(), author="github-actions[bot]", width=830, unfold=False)
    )
    take_picture(browser, page)
    page.unlink()


if __name__ == "__main__":
    main()
