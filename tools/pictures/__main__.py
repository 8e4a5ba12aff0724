"""Make the pictures: `python -m tools.pictures FOLDER`. Needs Chromium (`apt-get install chromium`)."""

from __future__ import annotations

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from tests.support.reports import FAILURE, PULL_REQUEST, SAMPLES
from tools.pictures.page import render_page

from pycache_action.buildx.trace import Trace, TraceRecorder
from pycache_action.github.render import render_comment, render_summary
from pycache_action.github.view import Links
from pycache_action.progress import read_steps
from pycache_action.report import Report, Result
from pycache_action.terminal import print_report, render_steps

RECORDINGS = Path(__file__).parents[2] / "tests" / "unit" / "recordings"
LINKS = Links(PULL_REQUEST, 128, frozenset({"requirements.txt"}))
WIDTH = 830


def main() -> int:
    """Write an HTML or SVG file and a PNG for every sample and view."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="samples to draw; all of them without")
    arguments = parser.parse_args()
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.stderr.write("There is no Chromium on this machine: apt-get install -y chromium\n")
        return 1
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    for path in (*draw_samples(folder, arguments.names or list(SAMPLES)), draw_progress(folder)):
        take_picture(browser, path)
        print(path.with_suffix(".png"))
    return 0


def draw_samples(folder: Path, names: list[str]) -> list[Path]:
    """A comment, the same unfolded, a summary and two terminals for each sample."""
    paths = []
    for name in names:
        report = SAMPLES[name]()
        failure = FAILURE if report.result is Result.FAILED else None
        comment, summary = render_comment(report, LINKS), render_summary(report, LINKS, failure)
        for kind, text, author, width, unfold in (
            ("comment", comment, "github-actions[bot]", WIDTH, False),
            ("comment-unfolded", comment, "github-actions[bot]", WIDTH, True),
            ("summary", summary, "", 1100, True),
        ):
            path = folder / f"{name}-{kind}.html"
            path.write_text(render_page(text, author=author, width=width, unfold=unfold))
            paths.append(path)
        paths += [draw_terminal(folder / f"{name}-terminal-{columns}.svg", report, columns) for columns in (100, 40)]
    return paths


def draw_terminal(path: Path, report: Report, columns: int) -> Path:
    """The end of `pycache build`."""
    console = make_recorder(columns)
    print_report(console, report, FAILURE if report.result is Result.FAILED else None)
    path.write_text(console.export_svg(title="pycache build ."))
    return path


def draw_progress(folder: Path) -> Path:
    """The live view in the middle of a build."""
    recorder = TraceRecorder()
    middle = Trace()
    for line in (RECORDINGS / "build-cold.jsonl").read_text().splitlines():
        recorder.feed(line)
        if any(vertex.running and vertex.log for vertex in recorder.trace().vertices):
            middle = recorder.trace()
    started = max((vertex.started or 0.0 for vertex in middle.vertices), default=0.0)
    console = make_recorder(100)
    console.print(render_steps(read_steps(middle, started + 4.2), 40))
    path = folder / "progress.svg"
    path.write_text(console.export_svg(title="pycache build ."))
    return path


def make_recorder(columns: int) -> Console:
    """A console that remembers instead of showing."""
    return Console(
        file=io.StringIO(), record=True, width=columns, height=40, force_terminal=True, highlight=False, markup=False
    )


def take_picture(browser: str, path: Path) -> None:
    """Photograph a page in its full height."""
    html = path.with_suffix(".page.html")
    content = path.read_text()
    if path.suffix == ".svg":
        content = f'<!doctype html><meta charset="utf-8"><body style="margin:0">{content}'
        content += "<script>document.title = String(document.documentElement.scrollHeight)</script>"
    html.write_text(content)
    width = 1180 if "-summary" in path.name else 1260 if path.suffix == ".svg" else WIDTH + 60
    with tempfile.TemporaryDirectory(prefix="pycache-browser-") as profile:
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
        ]
        address = html.resolve().as_uri()
        dom = subprocess.run(
            [*command, f"--window-size={width},100", "--dump-dom", address],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        found = re.search(r"<title>(\d+)</title>", dom)
        height = min(int(found[1]) if found else 1000, 6000)
        picture = path.with_suffix(".png").resolve()
        subprocess.run(
            [*command, f"--window-size={width},{height}", f"--screenshot={picture}", address],
            capture_output=True,
            timeout=60,
            check=True,
        )
    html.unlink()


if __name__ == "__main__":
    sys.exit(main())
