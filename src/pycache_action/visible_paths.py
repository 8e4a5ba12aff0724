"""Paths that people write in inputs, as a container action sees them.

A container action has the workspace and the runner's temp folder, each at another place than on the runner, and
nothing else: a path below `/tmp` would be written inside the container and lost with it. The runner rewrites a path
only where an input starts with it, so `type=local,dest=${{ runner.temp }}/out` arrives as it was on the runner:
https://github.com/actions/runner/blob/main/src/Runner.Worker/Container/ContainerInfo.cs (TranslateToContainerPath)
"""

from __future__ import annotations

import dataclasses
import os.path
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pycache_action.buildx.attributes import join_fields, split_fields
from pycache_action.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pycache_action.inputs import Inputs

WORKSPACE = "/github/workspace"
TEMP = "/github/runner_temp"
HOME = "/github/home"
JOB_CONTAINER_WORK = "/__w"

_PATH_ATTRIBUTES = ("dest", "src", "path")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The runner's folders that the container has.

    `seen` are their places in the container, the working folder first; `moved` leads from places on the runner to them.
    """

    seen: tuple[str, ...]
    moved: tuple[tuple[str, str], ...] = ()


def find_folders(environ: Mapping[str, str]) -> Folders:
    """Return the folders of the job, as far as its environment tells.

    `RUNNER_WORKSPACE` is `<work>/<repository>` as the runner has it, not rewritten for the container: the workspace is
    the folder of the same name in it, the temp folder is `<work>/_temp`. A job with a `container` of its own knows
    `<work>` as `/__w`.
    """
    workspace = environ.get("GITHUB_WORKSPACE") or WORKSPACE
    seen = tuple(dict.fromkeys((workspace, WORKSPACE, TEMP, HOME)))
    on_runner = os.path.normpath(environ.get("RUNNER_WORKSPACE", ""))
    if not on_runner.startswith("/"):
        return Folders(seen=seen)
    work, repository = os.path.split(on_runner)
    moved = tuple(
        pair
        for folder in (work.rstrip("/"), JOB_CONTAINER_WORK)
        for pair in ((f"{folder}/{repository}/{repository}", workspace), (f"{folder}/_temp", TEMP))
    )
    return Folders(seen=seen, moved=moved)


def runner_path(path: str, folders: Folders) -> str:
    """Where later steps, which run on the runner itself, find a file of the container; as it is where none is known."""
    for on_runner, in_container in folders.moved:
        if path.startswith(f"{in_container}/"):
            return on_runner + path.removeprefix(in_container)
    return path


def translate_paths(inputs: Inputs, folders: Folders) -> Inputs:
    """Return the inputs with the runner's paths as the container sees them.

    Raises `InputError`, with what to write instead, for a path that the container does not have.
    """

    def path(name: str, written: str) -> str:
        return _translate(name, written, folders)

    def each(name: str, translate: Callable[[str, str], str]) -> tuple[str, ...]:
        values: tuple[str, ...] = getattr(inputs, name.replace("-", "_"))
        return tuple(translate(name, value) for value in values)

    def attributes(name: str, value: str) -> str:
        return _translate_attributes(name, value, folders)

    def named(name: str, value: str) -> str:
        key, equals, written = value.partition("=")
        return f"{key}={path(name, written)}" if equals and not _is_reference(written) else value

    return dataclasses.replace(
        inputs,
        context=inputs.context if _is_reference(inputs.context) else path("context", inputs.context),
        file=path("file", inputs.file),
        build_contexts=each("build-contexts", named),
        outputs=each("outputs", attributes),
        secret_files=each("secret-files", named),
        ssh=each("ssh", named),
        cache=attributes("cache", inputs.cache),
        cache_from=each("cache-from", attributes),
        cache_to=each("cache-to", attributes),
        report=path("report", inputs.report),
    )


def _translate(name: str, written: str, folders: Folders) -> str:
    if not written:
        return written
    absolute = os.path.normpath(os.path.join(folders.seen[0], written))  # noqa: PTH118 - nothing is read here
    for on_runner, seen in folders.moved:
        if _is_below(absolute, on_runner):
            return seen + absolute[len(on_runner) :]
    if any(_is_below(absolute, folder) for folder in folders.seen):
        return written
    raise InputError(
        f"{name}: {written!r} is not a path this action can see: it runs in a container that has the workspace and the"
        " runner's temp folder, and nothing else of the runner",
        hint=_hint(name, os.path.basename(absolute) or "name"),  # noqa: PTH119
    )


def _hint(name: str, last: str) -> str:
    if name == "ssh":
        return (
            "Let the agent listen in the runner's temp folder: ssh-agent -a ${{ runner.temp }}/agent.sock"
            f" (ssh-auth-sock with webfactory/ssh-agent), or write the path of a key, such as default={TEMP}/key."
        )
    return (
        f"Write a path relative to the workspace, such as {last}, or {TEMP}/{last}, which other steps know as"
        f" ${{{{ runner.temp }}}}/{last}."
    )


def _translate_attributes(name: str, value: str, folders: Folders) -> str:
    try:
        fields = split_fields(value)
    except ValueError:
        return value  # buildx says what is wrong with it
    if name == "outputs" and len(fields) == 1 and "=" not in value:
        return value if value == "-" else _translate(name, value, folders)
    translated = tuple(_translate_field(name, field, folders) for field in fields)
    return value if translated == fields else join_fields(translated)


def _translate_field(name: str, field: str, folders: Folders) -> str:
    key, equals, written = field.partition("=")
    if equals and key.strip().lower() in _PATH_ATTRIBUTES and written != "-":
        return f"{key}={_translate(name, written, folders)}"
    return field


def _is_reference(written: str) -> bool:
    """Whether this is a URL, an image, another stage or a template, not a path."""
    return "://" in written or written.startswith(("target:", "git@", "{{", "github.com/"))


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
