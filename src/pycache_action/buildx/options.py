"""From inputs to the arguments of `docker buildx build`: one table, read twice.

A build is run in two phases. The first makes what the user asked for. The second, the save, is the same build once
more, all of it cached by then, with nothing to show for it but a cache that is written.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pycache_action.buildx.attestations import compute_attestations, exporter_types, loads_image
from pycache_action.buildx.build_secrets import compute_build_args, compute_secrets
from pycache_action.buildx.command import BuildCommand
from pycache_action.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pycache_action.inputs import Inputs

# An image that is only pushed need not be unpacked into, or kept in, the engine's own store.
PUSH_ONLY = "type=image,push=true,unpack=false,store=false"

_DEFAULT_CONTEXT = re.compile(r"\{\{\{?\s*defaultContext\s*\}?\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The workflow run that asks for a build: its repository at the event's commit as a Git context, its URL."""

    git_context: str
    run_url: str
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the arguments depend on beside the inputs; a laptop's are the defaults.

    `builder` is the one chosen, where it is not the input's. `skip_unpack`: the builder is the engine itself and has
    the containerd image store. `default_attestations` is false where `BUILDX_NO_DEFAULT_ATTESTATIONS` says so.
    """

    builder: str = ""
    origin: Origin | None = None
    default_attestations: bool = True
    skip_unpack: bool = False
    metadata_file: Path | None = None
    file_exists: Callable[[str], bool] = os.path.exists


def build_command(
    inputs: Inputs, surroundings: Surroundings, *, cache_from: Iterable[str] = (), cache_to: Iterable[str] = ()
) -> BuildCommand:
    """Return the build the user asked for; `cache_from` and `cache_to` are ours, beside the user's own."""
    return _compute(inputs, surroundings, _TABLE, cache_from, cache_to)


def save_command(
    inputs: Inputs, surroundings: Surroundings, *, cache_to: Iterable[str], cache_from: Iterable[str] = ()
) -> BuildCommand:
    """Return the same build with no result but the caches `cache_to`: nothing tagged, pushed, loaded or attested."""
    rows = tuple(row for row in _TABLE if row.saved)
    nothing = BuildCommand(arguments=("--attest", "type=provenance,disabled=true", "--output", "type=cacheonly"))
    return _compute(inputs, surroundings, rows, cache_from, cache_to, nothing)


def needs_container(inputs: Inputs) -> bool:
    """Whether an output is beyond the engine's own builder, which cannot push without a tag."""
    return any("push-by-digest=true" in output for output in inputs.outputs)


def git_files_command(inputs: Inputs, surroundings: Surroundings, destination: Path) -> BuildCommand:
    """Return the build that lays the files of a Git context into a folder; its Dockerfile is standard input."""
    rows = tuple(row for row in _TABLE if row in (_secrets, _builder))
    written = _arguments("--file", "-", "--provenance", "false", "--output", f"type=local,dest={destination}")
    return _compute(inputs, surroundings, rows, (), (), written)


def resolve_context(context: str, origin: Origin | None) -> str:
    """Return the build context: the repository at the event's commit, or this folder, where none is given."""
    default = origin.git_context if origin else "."
    resolved = _DEFAULT_CONTEXT.sub(lambda _: default, context) or default
    if resolved.startswith("-"):
        raise InputError(
            f"context: {context!r} is not a folder or URL", hint="Write a path, such as `.`, or a Git URL."
        )
    return resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Inputs and the arguments they make; `saved` where the steps of the build, or finding them, depend on these."""

    inputs: tuple[str, ...]
    render: Callable[[Inputs, Surroundings], BuildCommand]
    saved: bool


def _flag(flag: str, field: str, *, saved: bool = True) -> _Row:
    """A row for one flag: once for a text, bare for a boolean, repeated for a list."""

    def render(inputs: Inputs, _: Surroundings) -> BuildCommand:
        value: str | bool | tuple[str, ...] = getattr(inputs, field)
        match value:
            case bool():
                return _arguments(*([flag] if value else []))
            case str():
                return _arguments(*([flag, value] if value else []))
            case _:
                return _repeat(flag, value)

    return _Row(inputs=(field,), render=render, saved=saved)


def _row(*fields: str, saved: bool) -> Callable[[Callable[[Inputs, Surroundings], BuildCommand]], _Row]:
    return lambda render: _Row(inputs=fields, render=render, saved=saved)


@_row("build_args", saved=True)
def _build_args(inputs: Inputs, _: Surroundings) -> BuildCommand:
    return compute_build_args(inputs)


@_row("build_contexts", saved=True)
def _build_contexts(inputs: Inputs, surroundings: Surroundings) -> BuildCommand:
    default = surroundings.origin.git_context if surroundings.origin else "."
    return _repeat("--build-context", (_DEFAULT_CONTEXT.sub(lambda _: default, text) for text in inputs.build_contexts))


@_row("platforms", saved=True)
def _platforms(inputs: Inputs, _: Surroundings) -> BuildCommand:
    return _arguments(*(["--platform", ",".join(inputs.platforms)] if inputs.platforms else []))


@_row("attests", "provenance", "sbom", saved=False)
def _attestations(inputs: Inputs, surroundings: Surroundings) -> BuildCommand:
    origin = surroundings.origin
    return _repeat(
        "--attest",
        compute_attestations(
            inputs,
            run_url=origin.run_url if origin else "",
            private=origin.private if origin else False,
            defaults=surroundings.default_attestations,
        ),
    )


@_row("secret_envs", "secrets", "secret_files", "github_token", saved=True)
def _secrets(inputs: Inputs, surroundings: Surroundings) -> BuildCommand:
    git_context = surroundings.origin.git_context if surroundings.origin else ""
    uses_git = bool(git_context) and resolve_context(inputs.context, surroundings.origin).startswith(git_context)
    return compute_secrets(inputs, git_context if uses_git else "", surroundings.file_exists)


@_row("builder", saved=True)
def _builder(inputs: Inputs, surroundings: Surroundings) -> BuildCommand:
    builder = surroundings.builder or inputs.builder
    return _arguments(*(["--builder", builder] if builder else []))


@_row("push", saved=False)
def _push(inputs: Inputs, surroundings: Surroundings) -> BuildCommand:
    if not inputs.push:
        return _arguments()
    images = {"image", "registry", "docker"}.intersection(exporter_types(inputs))
    if surroundings.skip_unpack and not images and not loads_image(inputs):
        return _arguments("--output", PUSH_ONLY)
    return _arguments("--push")


_TABLE: tuple[_Row, ...] = (
    _flag("--add-host", "add_hosts"),
    _flag("--allow", "allow"),
    _flag("--annotation", "annotations", saved=False),
    _build_args,
    _build_contexts,
    _flag("--cache-from", "cache_from"),
    _flag("--cache-to", "cache_to", saved=False),
    _flag("--call", "call", saved=False),
    _flag("--cgroup-parent", "cgroup_parent"),
    _secrets,
    _flag("--file", "file"),
    _flag("--label", "labels", saved=False),
    # A step that was run anew in the build is cached when the save comes to it.
    _flag("--no-cache-filter", "no_cache_filters", saved=False),
    _flag("--no-cache", "no_cache", saved=False),
    _flag("--output", "outputs", saved=False),
    _platforms,
    _attestations,
    _flag("--shm-size", "shm_size"),
    _flag("--ssh", "ssh"),
    _flag("--tag", "tags", saved=False),
    _flag("--target", "target"),
    _flag("--ulimit", "ulimit"),
    _builder,
    _flag("--load", "load", saved=False),
    _flag("--network", "network"),
    _flag("--pull", "pull"),
    _push,
)

MAPPED: frozenset[str] = frozenset({"context", *(field for row in _TABLE for field in row.inputs)})
"""The inputs that buildx gets to see; the others are ours alone."""


def _compute(
    inputs: Inputs,
    surroundings: Surroundings,
    rows: Iterable[_Row],
    cache_from: Iterable[str],
    cache_to: Iterable[str],
    last: BuildCommand | None = None,
) -> BuildCommand:
    metadata = ("--metadata-file", str(surroundings.metadata_file)) if surroundings.metadata_file else ()
    parts = [
        _arguments("build"),
        *(row.render(inputs, surroundings) for row in rows),
        _repeat("--cache-from", cache_from),
        _repeat("--cache-to", cache_to),
        last or _arguments(),
        _arguments(*metadata, resolve_context(inputs.context, surroundings.origin)),
    ]
    return sum(parts, BuildCommand())


def _arguments(*arguments: str) -> BuildCommand:
    return BuildCommand(arguments=arguments)


def _repeat(flag: str, values: Iterable[str]) -> BuildCommand:
    return _arguments(*(argument for value in values for argument in (flag, value)))
