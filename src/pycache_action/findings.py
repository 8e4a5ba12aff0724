"""Brings together what the build did and why: every install step, cached or not, against the build before."""

from __future__ import annotations

import dataclasses
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pycache_action.cache.backend import Off, Unavailable
from pycache_action.cache.manifest import InstallRecord, Manifest, SavedKey
from pycache_action.cache.store import find_import_errors
from pycache_action.causes import Cause, Circumstances
from pycache_action.copied_files import CopiedFiles
from pycache_action.dependencies.difference import Difference, compare
from pycache_action.diagnose import Disabled, Previous, diagnose, find_counterpart
from pycache_action.record import record_installs

if TYPE_CHECKING:
    from pycache_action.build import Built
    from pycache_action.buildx.trace import Trace, Vertex
    from pycache_action.cache.lookup import Lookup
    from pycache_action.job import Identity, Job
    from pycache_action.project import Project

_STEP_NAME = re.compile(
    r"^\[(?:(?P<platform>[a-z0-9]+/\S+) )?(?:(?P<stage>\S+) )?\d+/\d+\] (?P<instruction>RUN .*)$", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """How many packages an install step needs, and how many of them it installed now."""

    total: int
    installed: int

    @property
    def cached(self) -> int:
        """How many came from cache."""
        return self.total - self.installed


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """An install step of the Dockerfile, and why it ran if it did. `seconds` is 0 where it was cached."""

    line: int
    instruction: str
    stage: str
    platform: str
    cached: bool
    seconds: float
    causes: tuple[Cause, ...] = ()
    packages: Packages | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the build did. `records` are for the next manifest, `salt` is what their hashes were made with.

    `seconds_saved` is what the cached install steps took when they last ran, None where that is not known.
    `all_files_seen`: the build context was not too large to compare what is copied.
    """

    previous: Previous
    difference: Difference | None
    records: tuple[InstallRecord, ...]
    steps: tuple[StepReport, ...]
    salt: str
    seconds_saved: float | None
    all_files_seen: bool = True

    @property
    def installed(self) -> bool:
        """Whether any install step ran."""
        return any(not step.cached for step in self.steps)


def find(job: Job, project: Project, lookup: Lookup, built: Built) -> Findings:
    """Tell every install step the build came to, and for those that ran, why."""
    previous = _compute_previous(job, lookup, built)
    salt = previous.salt if isinstance(previous, Manifest) else secrets.token_hex(16)
    difference = compare(previous.dependencies, project.dependencies) if isinstance(previous, Manifest) else None
    copied_files = CopiedFiles(project.context)
    records = record_installs(
        project.dockerfile,
        project.installs,
        built.metadata.provenance,
        built.trace,
        copied_files,
        salt,
    )
    circumstances = Circumstances(
        difference=difference,
        dependency_files=frozenset(file.path for file in project.dependencies.files),
        dockerfile=project.dockerfile_name,
        name=project.name,
        branches=job.branches.readable,
        backend=job.backend_name,
        age=max(0.0, time.time() - previous.saved_at) if isinstance(previous, Manifest) else 0.0,
        unread=next(iter(find_import_errors(built.trace)), ""),
    )
    steps = tuple(_report_step(record, built.trace, previous, circumstances) for record in records)
    return Findings(
        previous=previous,
        difference=difference,
        records=tuple(_carry_on(record, previous) for record in records),
        steps=steps or tuple(_report_by_name(project, built.trace)),
        salt=salt,
        seconds_saved=_compute_seconds_saved(records, steps, previous),
        all_files_seen=copied_files.complete,
    )


def next_manifest(identity: Identity, branch: str, project: Project, findings: Findings) -> Manifest:
    """The manifest to save with this build's layers."""
    previous = findings.previous
    kept = previous.keys if isinstance(previous, Manifest) and previous.branch == branch else ()
    return Manifest(
        scope=identity.scope,
        branch=branch,
        key=identity.key,
        salt=findings.salt,
        keys=(*(each for each in kept if each.key != identity.key), SavedKey(key=identity.key, saved_at=time.time())),
        dependencies=project.dependencies,
        installs=findings.records,
    )


def _compute_previous(job: Job, lookup: Lookup, built: Built) -> Previous:
    if isinstance(job.backend, Off):
        return Disabled("cache: off")
    if job.inputs.no_cache:
        return Disabled("no-cache: true")
    if job.may_not_read:
        return Disabled(job.may_not_read)
    return Unavailable(built.cache_fault) if built.cache_fault else lookup.previous


def _report_step(record: InstallRecord, trace: Trace, previous: Previous, circumstances: Circumstances) -> StepReport:
    vertex = trace.find(record.vertex)
    cached = vertex is None or not vertex.executed
    return StepReport(
        line=record.line,
        instruction=record.instruction,
        stage=record.stage,
        platform=record.platform,
        cached=cached,
        seconds=record.seconds,
        causes=() if cached else diagnose(record, previous, circumstances),
        packages=_count_packages(record, vertex, previous),
    )


def _report_by_name(project: Project, trace: Trace) -> list[StepReport]:
    """A build that failed leaves no provenance: its vertices are told by their names."""
    named = [(vertex, name) for vertex in trace.vertices if (name := _STEP_NAME.match(vertex.name))]
    return [
        StepReport(
            line=install.line,
            instruction=install.instruction,
            stage=name["stage"] or "",
            platform=name["platform"] or "",
            cached=not vertex.executed,
            seconds=vertex.seconds,
        )
        for install in project.installs
        for vertex, name in named
        if (vertex.executed or vertex.cached) and _fold(name["instruction"]) == _fold(install.instruction)
    ]


def _count_packages(record: InstallRecord, vertex: Vertex | None, previous: Previous) -> Packages | None:
    if vertex is not None and vertex.executed:
        return Packages(total=record.packages, installed=record.packages) if record.packages else None
    total = _carry_on(record, previous).packages
    return Packages(total=total, installed=0) if total else None


def _carry_on(record: InstallRecord, previous: Previous) -> InstallRecord:
    """What a step took and installed when it last ran, where it is cached now."""
    if record.seconds or not isinstance(previous, Manifest):
        return record
    before = find_counterpart(record, previous)
    return dataclasses.replace(record, seconds=before.seconds, packages=before.packages) if before else record


def _compute_seconds_saved(
    records: tuple[InstallRecord, ...], steps: tuple[StepReport, ...], previous: Previous
) -> float | None:
    cached = (_carry_on(record, previous) for record, step in zip(records, steps, strict=True) if step.cached)
    seconds = [record.seconds for record in cached if record.seconds]
    return sum(seconds) if seconds else None


def _fold(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
