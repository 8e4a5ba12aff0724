"""The report as flat strings that are escaped already: the templates only put them in their places."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from pycache_action import wording
from pycache_action.changes import ChangeRow, tell_changes, tell_counts
from pycache_action.failure import Failure
from pycache_action.github.markdown import Markdown, block, cell, code, code_block, link, own, prose
from pycache_action.report import Result
from pycache_action.untrusted import lines_of

if TYPE_CHECKING:
    from pycache_action.causes import Cause
    from pycache_action.findings import StepReport
    from pycache_action.github.event import WorkflowRun
    from pycache_action.report import Report

MOST_CAUSES = 12
MOST_FIX_LINES = 20
SHOWN_CHANGES = 15
SHORT_COMMIT = 7
LONGEST_PATH = 400


@dataclass(frozen=True, slots=True)
class Links:
    """Where a file and line can be seen: in the pull request's diff if it is among the `changed_files`, else as it is
    at the commit. Without a run nothing is linked. Paths are relative to the repository.
    """

    run: WorkflowRun | None = None
    pull_request: int | None = None
    changed_files: frozenset[str] = field(default=frozenset())

    def to(self, file: str, line: int) -> str:
        """The address of a line, empty where there is none. The anchor of a file in a diff is the hash of its path."""
        if self.run is None or not file or len(file) > LONGEST_PATH or file.startswith(("/", "../")):
            return ""
        repository = f"{self.run.server_url}/{self.run.repository}"
        if self.pull_request is not None and file in self.changed_files:
            anchor = hashlib.sha256(file.encode(errors="replace")).hexdigest()
            return f"{repository}/pull/{self.pull_request}/files#diff-{anchor}{f'R{line}' if line > 0 else ''}"
        path = quote(file.removeprefix("./"), errors="replace")
        return f"{repository}/blob/{self.run.head_sha}/{path}{f'#L{line}' if line > 0 else ''}"

    def place(self, file: str, line: int) -> Markdown:
        """`Dockerfile:7`, linked."""
        return link(code(wording.tell_place(file, line)), self.to(file, line)) if file else own("")


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseView:
    """Why a step ran, and what to do."""

    id: Markdown
    message: Markdown
    place: Markdown
    background: Markdown
    fix: Markdown
    fix_code: Markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A row of the table of install steps."""

    id: Markdown
    name: Markdown
    place: Markdown
    status: Markdown
    cached: Markdown
    packages: Markdown
    duration: Markdown
    why: Markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """A row of the table of what changed in the dependencies."""

    name: Markdown
    before: Markdown
    after: Markdown
    what: Markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """All that comment and summary show. `left_out` says how much of something did not fit, empty where all did."""

    title: Markdown
    image: Markdown
    sentence: Markdown
    is_hit: bool
    error: Markdown
    error_place: Markdown
    log: Markdown
    why: Markdown
    causes: tuple[CauseView, ...]
    counts: Markdown
    changes: tuple[ChangeView, ...]
    more_label: Markdown
    more_changes: tuple[ChangeView, ...]
    steps: tuple[StepView, ...]
    left_out: Markdown
    saved: Markdown
    timings: tuple[tuple[Markdown, Markdown], ...]
    facts: tuple[tuple[Markdown, Markdown], ...]
    identities: tuple[tuple[Markdown, Markdown], ...]
    warnings: tuple[Markdown, ...]
    commit: Markdown
    run_url: Markdown


def make_view(report: Report, links: Links, failure: Failure | None, *, rows: int, log_lines: int) -> ReportView:
    """Prepare a report; `rows` is how many rows each table has at most."""
    verdict = wording.judge(report)
    changes = tell_changes(report.difference) if report.difference and report.missed else ()
    shown = min(SHOWN_CHANGES, sum(row.direct for row in changes))  # direct ones come first
    direct, others = changes[:shown], changes[shown:]
    most_causes = max(1, min(rows, MOST_CAUSES))
    hidden = len(report.steps[rows:]) + len(direct[rows:]) + len(others[rows:]) + len(report.causes[most_causes:])
    return ReportView(
        title=own(verdict.title),
        image=code(report.image),
        sentence=own(verdict.sentence),
        is_hit=report.result is Result.HIT,
        error=_tell_error(report, failure),
        error_place=links.place(report.dockerfile, failure.line) if failure and failure.line else own(""),
        log=block(failure.log, last=log_lines) if failure and log_lines and lines_of(failure.log) else own(""),
        why=own("Why the install was not cached" if report.result is Result.FAILED else "Why"),
        causes=tuple(_view_cause(cause, links) for cause in report.causes[:most_causes]),
        counts=own(tell_counts(report.difference)) if report.difference else own(""),
        changes=tuple(map(_view_change, direct[:rows])),
        more_label=own(_label_more(others)),
        more_changes=tuple(map(_view_change, others[:rows])),
        steps=tuple(_view_step(number, step, report, links) for number, step in enumerate(report.steps[:rows], 1)),
        left_out=own(f"{hidden:,} more rows do not fit here.") if hidden else own(""),
        saved=prose(wording.tell_saved(report)),
        timings=tuple((own(name), own(took)) for name, took in wording.tell_timings(report)),
        facts=_fill(
            ("Cache", prose(report.backend)),
            ("Scope", code(report.scope)),
            ("Key", code(report.key)),
            ("Matched key", own("the same") if report.matched_key == report.key else code(report.matched_key)),
            ("Plan", prose(f"{report.plan_kind} ({report.plan_reason})" if report.plan_reason else report.plan_kind)),
        ),
        identities=_fill(("Digest", code(report.digest)), ("Image ID", code(report.image_id))),
        warnings=tuple(prose(warning) for warning in wording.tell_warnings(report)[:rows]),
        commit=code(links.run.head_sha[:SHORT_COMMIT]) if links.run else own(""),
        run_url=own(links.run.run_url) if links.run else own(""),
    )


def _tell_error(report: Report, failure: Failure | None) -> Markdown:
    if report.result is not Result.FAILED:
        return own("")
    return prose(wording.tell_failure(failure or Failure(error=report.error)))


def _label_more(rows: tuple[ChangeRow, ...]) -> str:
    if any(row.direct for row in rows):
        return wording.count(len(rows), "more change")
    return wording.count(len(rows), "change") + " of packages that others need"


def _view_cause(cause: Cause, links: Links) -> CauseView:
    fix = wording.read_fix(cause)
    lines = tuple(line for each in fix.code[:MOST_FIX_LINES] for line in lines_of(each, limit=200))
    return CauseView(
        id=code(cause.id.value),
        message=prose(cause.message),
        place=links.place(cause.file, cause.line),
        background=own(wording.explain(cause)),
        fix=prose(fix.text),
        fix_code=code_block(lines, "dockerfile") if lines else own(""),
    )


def _view_step(number: int, step: StepReport, report: Report, links: Links) -> StepView:
    packages = step.packages
    cached = packages.cached / packages.total if packages and packages.total else float(step.cached)
    return StepView(
        id=own(str(number)),
        name=cell(code(wording.tell_step_name(step, report))),
        place=cell(links.place(report.dockerfile, step.line)),
        status=own(wording.tell_status(step)),
        cached=own(f"{int(cached * 100)}%"),
        packages=_unbroken(wording.tell_packages(packages) or wording.NOTHING),
        duration=_unbroken(wording.NOTHING if step.cached else wording.duration(step.seconds)),
        why=own(", ".join(code(cause.id.value) for cause in step.causes) or wording.NOTHING),
    )


def _unbroken(text: str) -> Markdown:
    """Own words that stay on one line, whatever the width of their column."""
    return own(text.replace(" ", "\u00a0"))


def _view_change(row: ChangeRow) -> ChangeView:
    return ChangeView(
        name=cell(code(row.name)),
        before=_value(row.before),
        after=_value(row.after),
        what=own(row.what),
    )


def _value(text: str) -> Markdown:
    return own(text) if text == wording.NOTHING else cell(code(text))


def _fill(*pairs: tuple[str, Markdown]) -> tuple[tuple[Markdown, Markdown], ...]:
    return tuple((own(name), value) for name, value in pairs if value)
