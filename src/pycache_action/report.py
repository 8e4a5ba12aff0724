"""What a run found, as one value: log, terminal, summary, comment, outputs and JSON all tell it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pycache_action.save import NotSaved, Saved
from pycache_action.untrusted import hide_credentials

if TYPE_CHECKING:
    from pycache_action.build import Built
    from pycache_action.cache.lookup import Lookup
    from pycache_action.causes import Cause
    from pycache_action.dependencies.difference import Difference
    from pycache_action.findings import Findings, StepReport
    from pycache_action.job import Identity, Job
    from pycache_action.plan import Plan
    from pycache_action.project import Project

SCHEMA = 1


class Result(StrEnum):
    """The verdict on a run. `hit`: nothing was installed. `partial`: some packages were, the others came from cache."""

    HIT = "hit"
    PARTIAL = "partial"
    MISS = "miss"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds each part of the run took."""

    manifest: float = 0.0
    restore: float = 0.0
    build: float = 0.0
    save: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedReport:
    """What was saved for the next build, or why nothing was. `bytes` counts what went over the wire."""

    layers: int = 0
    bytes: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run, told.

    `matched_key` is the key whose cache was read, empty where there was none. `backend` names the cache for people.
    `plan_reason` is one sentence: why the build was planned as it was. `seconds_saved` compares with the last full
    install and is None where that is not known.
    """

    result: Result
    image: str
    scope: str
    key: str
    matched_key: str
    backend: str
    dockerfile: str
    plan_kind: str
    plan_reason: str
    steps: tuple[StepReport, ...]
    difference: Difference | None
    timings: Timings
    saved: SavedReport
    digest: str = ""
    image_id: str = ""
    error: str = ""
    seconds_saved: float | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def missed(self) -> tuple[StepReport, ...]:
        """The install steps that ran."""
        return tuple(step for step in self.steps if not step.cached)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Every cause once, in the order of the Dockerfile."""
        found = {(cause.id, cause.message): cause for step in self.steps for cause in step.causes}
        return tuple(found.values())

    def to_json(self) -> dict[str, object]:
        """The report as a document, schema 1."""
        difference = self.difference.to_json() if self.difference else {"added": [], "removed": [], "changed": []}
        return {
            "schema": SCHEMA,
            "result": self.result.value,
            "scope": self.scope,
            "key": self.key,
            "matched_key": self.matched_key,
            "plan": {"kind": self.plan_kind, "reason": self.plan_reason},
            "install_steps": [_step_to_json(step) for step in self.steps],
            "dependencies": difference,
            "timings": {name: round(seconds, 3) for name, seconds in dataclasses.asdict(self.timings).items()},
            "saved": dataclasses.asdict(self.saved),
            "image": {"digest": self.digest, "id": self.image_id},
            "error": self.error,
            "warnings": list(self.warnings),
        }


def make_report(
    job: Job,
    identity: Identity,
    project: Project,
    lookup: Lookup,
    plan: Plan,
    built: Built,
    findings: Findings,
    saved: Saved | NotSaved,
    seconds: float,
) -> Report:
    """Tell a run from what its stages returned; `seconds` is what all of it took."""
    warnings = [*project.warnings, *lookup.warnings]
    if not findings.all_files_seen:
        warnings.append("The build context is too large to compare all of it; a file that changed may not be named.")
    if built.cache_fault:
        warnings.append(f"The cache was given up and the build run without it: {built.cache_fault}.")
    if isinstance(saved, NotSaved) and saved.fault:
        warnings.append(f"The cache could not be saved: {saved.reason}.")
    return Report(
        result=_judge(built, findings.steps),
        image=job.inputs.tags[0] if job.inputs.tags else job.image,
        scope=identity.scope,
        key=identity.key,
        matched_key=lookup.matched_key,
        backend=job.backend_name,
        dockerfile=project.dockerfile_name,
        plan_kind=plan.kind,
        plan_reason=plan.reason,
        steps=findings.steps,
        difference=findings.difference,
        timings=Timings(manifest=lookup.seconds, build=built.seconds, save=saved.seconds, total=seconds),
        saved=_report_saved(saved),
        digest=built.metadata.digest,
        image_id=built.metadata.image_id,
        error=hide_credentials(_tell_failure(built)),
        seconds_saved=findings.seconds_saved,
        warnings=tuple(dict.fromkeys(map(hide_credentials, warnings))),
    )


def _judge(built: Built, steps: tuple[StepReport, ...]) -> Result:
    if not built.ok:
        return Result.FAILED
    ran = [step for step in steps if not step.cached]
    if not ran:
        return Result.HIT
    some_cached = any(step.packages is not None and step.packages.cached for step in ran)
    return Result.PARTIAL if some_cached or len(ran) < len(steps) else Result.MISS


def _report_saved(saved: Saved | NotSaved) -> SavedReport:
    match saved:
        case Saved(layers=layers, bytes=size):
            return SavedReport(layers=layers, bytes=size)
        case NotSaved(reason=reason):
            return SavedReport(reason=hide_credentials(reason))


def _tell_failure(built: Built) -> str:
    if built.ok:
        return ""
    failed = built.trace.failed
    return failed[-1].error if failed else " ".join(built.trace.messages[-1:]) or "buildx ended without a word"


def _step_to_json(step: StepReport) -> dict[str, object]:
    packages = step.packages
    return {
        "line": step.line,
        "instruction": step.instruction,
        "stage": step.stage,
        "platform": step.platform,
        "cached": step.cached,
        "seconds": round(step.seconds, 3),
        "causes": [_cause_to_json(cause) for cause in step.causes],
        "packages": {"total": packages.total, "installed": packages.installed, "cached": packages.cached}
        if packages
        else None,
    }


def _cause_to_json(cause: Cause) -> dict[str, object]:
    return {
        "id": cause.id.value,
        "message": cause.message,
        "file": cause.file,
        "line": cause.line,
        "evidence": cause.evidence,
        "fix": cause.fix,
    }
