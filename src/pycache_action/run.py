"""The story: from inputs to a report, stage by stage."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from pycache_action.build import Built, Progress, add_provenance, build_image
from pycache_action.buildx.options import build_command, save_command
from pycache_action.cache.backend import Off, Unavailable
from pycache_action.cache.lookup import Lookup, look_up
from pycache_action.cache.store import Absent, Store
from pycache_action.findings import Findings, find, next_manifest
from pycache_action.job import Identity, Job, identify
from pycache_action.plan import make_plan
from pycache_action.project import Project, open_context, read_project
from pycache_action.report import Report, make_report
from pycache_action.save import NotSaved, Saved, save_layers, why_not_save

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pycache_action.buildx.client import Buildx
    from pycache_action.buildx.command import BuildCommand


class Log(Progress, Protocol):
    """Tells people how a run goes: what is said and shown within a stage belongs to it."""

    def stage(self, title: str) -> AbstractContextManager[None]:
        """Begin a stage."""
        ...

    def say(self, text: str) -> None:
        """Tell in one line how the stage ended."""
        ...


def run(job: Job, buildx: Buildx, log: Log) -> tuple[Report, Built]:
    """Build with what the cache has, explain what it had not, save for the next build, and tell all of it."""
    started = time.monotonic()
    with open_context(job.inputs, buildx, job.surroundings) as root:
        with log.stage("Dependencies"):
            project = read_project(job.inputs, root)
            identity = identify(job, project)
            log.say(f"{len(project.dependencies.files)} dependency files; key {identity.key}")
        with log.stage("Cache"):
            lookup = read_cache(job, buildx, identity)
            log.say(tell_lookup(job, lookup))
        plan = make_plan(project.installs)
        with log.stage("Build"):
            built = build(job, buildx, lookup, log)
            log.say(f"{'done in' if built.ok else 'failed after'} {built.seconds:.1f} s")
        findings = find(job, project, lookup, built)
        with log.stage("Save"):
            saved = save(job, buildx, identity, project, lookup, built, findings)
            log.say(tell_saved(saved))
    seconds = time.monotonic() - started
    return make_report(job, identity, project, lookup, plan, built, findings, saved, seconds), built


def read_cache(job: Job, buildx: Buildx, identity: Identity) -> Lookup:
    """Ask the cache what it has for this image."""
    match job.backend:
        case Off():
            return Lookup(previous=Absent())
        case Unavailable() as unavailable:
            return Lookup(previous=unavailable, usable=False)
        case _ if job.may_not_read:
            return Lookup(previous=Absent())
        case backend:
            store = Store(buildx=buildx, helper=job.helper, backend=backend)
            return look_up(store, identity.scope, identity.key, job.branches)


def build(job: Job, buildx: Buildx, lookup: Lookup, log: Log) -> Built:
    """Build what the user asked for."""

    def command(imports: Sequence[str], metadata_file: Path) -> BuildCommand:
        return build_command(job.inputs, replace(job.surroundings, metadata_file=metadata_file), cache_from=imports)

    imports = () if job.inputs.no_cache else lookup.imports
    left = lookup.previous.left_waiting if isinstance(lookup.previous, Unavailable) else False
    built = build_image(buildx, command, imports, log, left_waiting=left)
    if not built.ok or built.metadata.provenance.steps or job.inputs.call:
        return built
    return add_provenance(
        built,
        buildx,
        lambda file: save_command(job.inputs, replace(job.surroundings, metadata_file=file), cache_to=()),
    )


def save(
    job: Job,
    buildx: Buildx,
    identity: Identity,
    project: Project,
    lookup: Lookup,
    built: Built,
    findings: Findings,
) -> Saved | NotSaved:
    """Write the cache, if there is something to write and somewhere to write it."""

    def command(exports: Sequence[str], metadata_file: Path) -> BuildCommand:
        return save_command(job.inputs, replace(job.surroundings, metadata_file=metadata_file), cache_to=exports)

    match job.backend:
        case Off():
            return NotSaved(reason="the cache is off")
        case Unavailable(reason=reason):
            return NotSaved(reason=reason, fault=True)
        case backend:
            if reason := why_not_save(built, lookup, findings.installed, job.may_not_save):
                return NotSaved(reason=reason)
            manifest = next_manifest(identity, job.branches.own, project, findings)
            return save_layers(buildx, Store(buildx=buildx, helper=job.helper, backend=backend), manifest, command)


def tell_lookup(job: Job, lookup: Lookup) -> str:
    """How the cache answered, in one line."""
    match lookup.previous:
        case Absent() if job.may_not_read:
            return f"{job.backend_name}: not read, {job.may_not_read}"
        case Absent():
            return f"{job.backend_name}: nothing saved yet"
        case Unavailable(reason=reason):
            return f"{job.backend_name}: not used, {reason}"
        case manifest:
            same = "same dependencies" if lookup.saved else "other dependencies"
            return f"{job.backend_name}: saved on {manifest.branch} with {same} ({lookup.seconds:.1f} s)"


def tell_saved(saved: Saved | NotSaved) -> str:
    """What was saved, in one line."""
    match saved:
        case Saved(layers=layers, bytes=size, seconds=seconds):
            return f"{layers} layers, {size / 1e6:.0f} MB, in {seconds:.1f} s"
        case NotSaved(reason=reason):
            return f"nothing: {reason}"
