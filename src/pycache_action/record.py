"""Writes down what every install step of a build stood on, so that the next build can say what is different."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Protocol

from pycache_action.buildx.provenance import Copy, ImageSource, LocalSource, Provenance, Run, Step
from pycache_action.cache.manifest import LARGEST_FILE_LIST, CopiedFile, InstallRecord, PathEntry, hash_value
from pycache_action.installed import count_installed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pycache_action.buildx.trace import Trace
    from pycache_action.dockerfile.install_steps import InstallStep
    from pycache_action.dockerfile.instructions import Instruction
    from pycache_action.dockerfile.parse import Dockerfile, Stage

SETTINGS = ("ARG", "ENV", "SHELL", "USER")
LONGEST_INSTRUCTION = 2_000


class ContextFiles(Protocol):
    """The files of the build context that a build may copy."""

    def describe(self, source: str) -> Iterable[CopiedFile]:
        """The files that a COPY of `source`, a path or glob from the context's root, takes."""
        ...


def record_installs(
    dockerfile: Dockerfile,
    installs: Sequence[InstallStep],
    provenance: Provenance,
    trace: Trace,
    context_files: ContextFiles,
    salt: str,
) -> tuple[InstallRecord, ...]:
    """One record for each install step and platform that the build came to."""
    records: list[InstallRecord] = []
    for install in installs:
        for step in find_steps(provenance, install):
            vertex = trace.find(step.vertex)
            records.append(
                InstallRecord(
                    instruction=_shorten(install.instruction),
                    stage=dockerfile.stages[install.stage].label,
                    platform=step.platform,
                    seconds=round(vertex.seconds, 3) if vertex else 0.0,
                    packages=count_installed(vertex.log) or 0 if vertex else 0,
                    line=install.line,
                    vertex=step.vertex,
                    path=tuple(_path(dockerfile, provenance.path_to(step), provenance, context_files, salt)),
                )
            )
    return tuple(records)


def find_steps(provenance: Provenance, install: InstallStep) -> tuple[Step, ...]:
    """The steps of the build graph that an install step became, one for each platform."""
    return tuple(s for s in provenance.steps if isinstance(s.operation, Run) and install.line in s.lines)


def _path(
    dockerfile: Dockerfile,
    steps: Sequence[Step],
    provenance: Provenance,
    context_files: ContextFiles,
    salt: str,
) -> Iterator[PathEntry]:
    """The steps in order, each after the settings of its stage that stand above it."""
    told: set[int] = set()
    known = {(step.platform, step.id): step for step in provenance.steps}
    last = steps[-1].line
    for step in steps:
        if not step.line or isinstance(step.operation, LocalSource):
            continue
        # Stages that start from one image share its step: it belongs where this path needs it.
        line = max((each for each in step.lines if each <= last), default=step.line)
        stage = _stage_of(dockerfile, line)
        instruction = _instruction_at(dockerfile, line)
        if stage is None or instruction is None:
            continue
        for setting in _settings_above(dockerfile, stage, instruction):
            if setting.line not in told:
                told.add(setting.line)
                yield _entry(setting, stage)
        inputs = [known.get((step.platform, id_)) for id_ in step.inputs]
        yield _step_entry(step, instruction, stage, inputs, context_files, salt)


def _step_entry(
    step: Step,
    instruction: Instruction,
    stage: Stage,
    inputs: Sequence[Step | None],
    context_files: ContextFiles,
    salt: str,
) -> PathEntry:
    match step.operation:
        case ImageSource(reference=reference, digest=digest):
            return _entry(instruction, stage, image=reference, image_digest=digest)
        case Copy(sources=sources):
            from_context = any(_is_context(each) for each in inputs[1:])
            return _entry(instruction, stage, files=_describe(sources if from_context else (), context_files))
        case Run(environment=environment, mounts=mounts):
            bound = [m.source for m in mounts if 0 < m.input < len(inputs) and _is_context(inputs[m.input])]
            hashed = tuple(sorted((name, hash_value(salt, value)) for name, value in environment))
            return _entry(instruction, stage, environment=hashed, files=_describe(bound, context_files))
        case _:
            return _entry(instruction, stage)


def _is_context(step: Step | None) -> bool:
    return step is not None and isinstance(step.operation, LocalSource) and step.operation.name == "context"


def _describe(sources: Iterable[str], context_files: ContextFiles) -> tuple[CopiedFile, ...]:
    found = {file.path: file for source in sources for file in context_files.describe(source)}
    return tuple(found[path] for path in sorted(found))


def _entry(
    instruction: Instruction,
    stage: Stage,
    *,
    image: str = "",
    image_digest: str = "",
    environment: tuple[tuple[str, str], ...] = (),
    files: tuple[CopiedFile, ...] = (),
) -> PathEntry:
    whole = hashlib.sha256(
        "\n".join(f"{f.path}\0{f.mode}\0{f.digest}" for f in files).encode(errors="surrogateescape")
    ).hexdigest()
    return PathEntry(
        line=instruction.line,
        stage=stage.label,
        instruction=_shorten(instruction.one_line),
        image=image,
        image_digest=image_digest,
        environment=environment,
        files=files[:LARGEST_FILE_LIST],
        files_digest=whole[:16] if files else "",
    )


def _settings_above(dockerfile: Dockerfile, stage: Stage, instruction: Instruction) -> Iterator[Instruction]:
    if instruction.keyword == "FROM":
        used = set(re.findall(r"\$\{?(\w+)", instruction.original))
        for meta in dockerfile.meta_args:
            if used & {word.partition("=")[0] for word in meta.args}:
                yield meta
        return
    lineage = [stage]
    while (base := lineage[0].base_stage) is not None:
        lineage.insert(0, dockerfile.stages[base])
    for each in (one for member in lineage for one in member.instructions):
        if each.keyword in SETTINGS and each.line < instruction.line:
            yield each


def _stage_of(dockerfile: Dockerfile, line: int) -> Stage | None:
    return next((stage for stage in reversed(dockerfile.stages) if stage.line <= line), None)


def _instruction_at(dockerfile: Dockerfile, line: int) -> Instruction | None:
    stage = _stage_of(dockerfile, line)
    if stage is None:
        return None
    everything = (stage.opening, *stage.instructions)
    return next((each for each in everything if each.line <= line <= each.end_line), None)


def _shorten(text: str) -> str:
    """A long instruction is cut, but never so that two become one."""
    if len(text) <= LONGEST_INSTRUCTION:
        return text
    return f"{text[:LONGEST_INSTRUCTION]}... {hashlib.sha256(text.encode()).hexdigest()[:16]}"
