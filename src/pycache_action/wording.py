"""The words for what a run found: terminal, log, summary and comment take theirs from here.

Everything is plain text of one line. Where it holds text from a project, it is as it came: who shows it escapes it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from pycache_action.causes import CauseId
from pycache_action.report import Result

if TYPE_CHECKING:
    from pycache_action.causes import Cause
    from pycache_action.failure import Failure
    from pycache_action.findings import Packages, StepReport
    from pycache_action.report import Report

NOTHING = "–"  # noqa: RUF001 (an empty cell)

_UNNAMED_STAGE = re.compile(r"(stage-)?\d+")  # as BuildKit calls those without `AS`
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 package`, `1,204 packages`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """`0.4 s`, `44 s`, `6 min 12 s`, `1 h 5 min`."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min" if whole % 3600 // 60 else f"{whole // 3600} h"


def size(number: int) -> str:
    """`0 bytes`, `180 kB`, `1.2 GB`."""
    amount = float(max(0, number))
    for unit in _UNITS:
        if amount < 999.5 or unit == _UNITS[-1]:
            break
        amount /= 1000
    return (
        f"{amount:.1f} {unit}" if unit in ("GB", "TB") or (amount < 9.95 and unit == "MB") else f"{amount:.0f} {unit}"
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result in a few words and in a sentence or two."""

    title: str
    sentence: str


def judge(report: Report) -> Verdict:
    """Say how the run went, with the numbers that matter. Holds nothing but our own words."""
    match report.result:
        case Result.HIT if not report.steps:
            return Verdict("No install step found", "The Dockerfile has no step that installs dependencies.")
        case Result.HIT:
            saved = report.seconds_saved
            gain = f" That saved about {duration(saved)}." if saved and saved >= 1 else ""
            return Verdict("Nothing was installed", f"{_all_cached(report)} from the cache.{gain}")
        case Result.PARTIAL:
            return Verdict("Some packages were installed", f"{_some_installed(report)}.")
        case Result.MISS if is_first_build(report):
            again = " The next build can reuse them." if report.saved.layers else ""
            return Verdict("First build: everything was installed", f"{_all_installed(report)}.{again}")
        case Result.MISS:
            return Verdict("Everything was installed again", f"{_all_installed(report)}.")
        case Result.FAILED:
            return Verdict("The build failed", f"It ended with an error after {duration(report.timings.build)}.")
        case _:
            assert_never(report.result)


def is_first_build(report: Report) -> bool:
    """Whether nothing could have been cached, because nothing had been built."""
    ids = {cause.id for cause in report.causes}
    return ids == {CauseId.NO_PREVIOUS_BUILD}


def tell_place(file: str, line: int) -> str:
    """`Dockerfile:7`, or the file alone."""
    return f"{file}:{line}" if file and line else file


def tell_step_name(step: StepReport, report: Report) -> str:
    """The instruction, with its stage where it has a name, and its platform where there are several."""
    platform = step.platform if len({each.platform for each in report.steps}) > 1 else ""
    stage = "" if _UNNAMED_STAGE.fullmatch(step.stage) else step.stage
    where = " ".join(part for part in (platform, stage) if part)
    return f"[{where}] {step.instruction}" if where else step.instruction


def tell_status(step: StepReport) -> str:
    """Whether an install step ran, in a word or two."""
    return "cached" if step.cached else "ran"


def tell_packages(packages: Packages | None) -> str:
    """`2 of 26 installed`, `26 cached`, or nothing where it is not known."""
    if packages is None:
        return ""
    if packages.installed == 0:
        return f"{packages.total:,} cached"
    if packages.installed == packages.total:
        return f"{packages.total:,} installed"
    return f"{packages.installed:,} of {packages.total:,} installed"


def tell_saved(report: Report) -> str:
    """What the next build can use, or why it cannot."""
    saved = report.saved
    if saved.layers:
        took = f" in {duration(report.timings.save)}" if report.timings.save else ""
        return f"Saved {count(saved.layers, 'layer')} ({size(saved.bytes)}){took} for the next build."
    return f"Nothing was saved: {saved.reason}." if saved.reason else "Nothing was saved."


def tell_warnings(report: Report) -> tuple[str, ...]:
    """The warnings, without those that `tell_saved` tells too."""
    saved = report.saved.reason
    return tuple(warning for warning in report.warnings if not saved or saved not in warning)


def tell_timings(report: Report) -> tuple[tuple[str, str], ...]:
    """Each part of the run that took time, and how long; the whole comes last."""
    timings = report.timings
    parts = (
        ("Cache look-up", timings.manifest),
        ("Restore", timings.restore),
        ("Build", timings.build),
        ("Save", timings.save),
    )
    told = tuple((name, duration(seconds)) for name, seconds in parts if seconds >= 0.05)
    return (*told, ("Total", duration(timings.total)))


def explain(cause: Cause) -> str:
    """What a reader who never heard of layers needs to know to understand a cause; empty where it needs nothing."""
    return _BACKGROUND.get(cause.id, "")


_BACKGROUND = {
    CauseId.DEPENDENCIES_CHANGED: "An install is cached as a whole: with one package changed, all are installed again.",
    CauseId.DEPENDENCY_FILE_REWRITTEN: "An install is cached by the bytes of the files it reads.",
    CauseId.BASE_IMAGE_CHANGED: "What is installed on one base image cannot be reused on another.",
    CauseId.INSTRUCTION_CHANGED: "Everything below an instruction that was edited runs again.",
    CauseId.BUILD_ARG_CHANGED: "Everything below an ARG or ENV with another value runs again.",
    CauseId.COPIED_FILES_CHANGED: "Everything below a COPY runs again when one of the files it copies changes.",
    CauseId.FILE_METADATA_CHANGED: "A file's mode counts as much as its content.",
    CauseId.PLATFORM_CHANGED: "Packages are installed for each platform by itself.",
    CauseId.CACHE_EVICTED: "A cache that is full drops what was not used for longest.",
}


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do about a cause: sentences, and lines to write."""

    text: str
    code: tuple[str, ...]


def read_fix(cause: Cause) -> Fix:
    """Lines that are indented by four spaces are to be written; the others say so."""
    lines = cause.fix.splitlines()
    code = tuple(line[4:].rstrip() for line in lines if line.startswith("    "))
    return Fix(" ".join(line.strip() for line in lines if line.strip() and not line.startswith("    ")), code)


def tell_failure(failure: Failure) -> str:
    """What ended the build, in a sentence: a command that failed by its exit code, anything else in BuildKit's words."""
    ended = re.search(r"did not complete successfully: exit code: (\d+)", failure.error)
    instruction = re.sub(r"^\[[^\]]*\] ", "", shorten_vertex(failure.step)).replace("`", "'")
    if ended and instruction:
        return f"`{_cut(instruction, 100)}` ended with exit code {ended[1]}."
    words = re.sub(
        r"process \".*\" did not complete successfully: |failed to (compute cache key|calculate checksum of ref [^:]+::[^:]+): ",
        "",
        failure.error,
        flags=re.DOTALL,
    )
    return f"{f'`{_cut(instruction, 100)}`: ' if instruction else ''}{words}"


def shorten_vertex(name: str) -> str:
    """A vertex's name without the digest of its base image: 64 digits that nobody reads."""
    return re.sub(r"@sha256:[0-9a-f]{64}", "", name)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _count_packages(report: Report) -> tuple[int, int] | None:
    """Packages and, of them, installed ones; of a step built for several platforms, the worst. None: not known."""
    found: dict[tuple[str, int], Packages] = {}
    for step in report.steps:
        if step.packages is None:
            return None
        place = (step.stage, step.line)
        if place not in found or step.packages.installed > found[place].installed:
            found[place] = step.packages
    return sum(each.total for each in found.values()), sum(each.installed for each in found.values())


def _install_seconds(report: Report) -> float:
    """How long the install steps that ran took; of a step built for several platforms at once, the slowest."""
    found: dict[tuple[str, int], float] = {}
    for step in report.missed:
        place = (step.stage, step.line)
        found[place] = max(found.get(place, 0.0), step.seconds)
    return sum(found.values())


def _all_cached(report: Report) -> str:
    if (counted := _count_packages(report)) and counted[0]:
        return f"All {counted[0]:,} packages came" if counted[0] > 1 else "The package came"
    return f"All {len(report.steps)} install steps came" if len(report.steps) > 1 else "The install step came"


def _all_installed(report: Report) -> str:
    took = duration(_install_seconds(report))
    if (counted := _count_packages(report)) and counted[0]:
        if counted[0] == 1:
            return f"The package was installed, which took {took}"
        return f"All {counted[0]:,} packages were installed, which took {took}"
    if len(report.missed) == 1:
        return f"The install step ran, which took {took}"
    return f"All {len(report.missed)} install steps ran, which took {took}"


def _some_installed(report: Report) -> str:
    took = duration(_install_seconds(report))
    if (counted := _count_packages(report)) and 0 < counted[1] < counted[0]:
        total, installed = counted
        were = "was" if installed == 1 else "were"
        return f"{installed:,} of {total:,} packages {were} installed in {took}; the others came from the cache"
    return f"{len(report.missed)} of {count(len(report.steps), 'install step')} ran, in {took}; the others were cached"
