"""Comment and job summary, as Markdown that fits in what GitHub allows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import jinja2

from pycache_action.github.view import Links, make_view
from pycache_action.report import Result

if TYPE_CHECKING:
    from pycache_action.failure import Failure
    from pycache_action.report import Report

COMMENT_CHARACTERS = 65_000
SUMMARY_BYTES = 1_000_000
SUMMARY_LOG_LINES = 40

# Tables get shorter until all fits.
_ROWS = (300, 100, 30, 10, 3, 0)


def render_comment(report: Report, links: Links) -> str:
    """The pull request comment, without its marker. What a build printed is never in it: nothing masks a comment.

    Where nothing was installed it says nothing of the push, so that it stays the same from push to push.
    """
    if report.result is Result.HIT:
        links = Links()
    return _render("comment.md.j2", report, links, None, 0, COMMENT_CHARACTERS)


def render_summary(report: Report, links: Links, failure: Failure | None = None) -> str:
    """The job summary; of a build that failed with the last lines it printed."""
    return _render("summary.md.j2", report, links, failure, SUMMARY_LOG_LINES, SUMMARY_BYTES)


def _render(template: str, report: Report, links: Links, failure: Failure | None, log_lines: int, room: int) -> str:
    rendered = ""
    for rows in _ROWS:
        view = make_view(report, links, failure, rows=rows, log_lines=log_lines)
        rendered = _templates().get_template(template).render(view=view).strip() + "\n"
        if len(rendered.encode()) <= room:
            break
    return rendered


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("pycache_action"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (Markdown: the view's strings are escaped for it, see github/markdown.py)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
