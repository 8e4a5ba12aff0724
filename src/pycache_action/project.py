"""Reads what is to be built: the context, the Dockerfile, its install steps and the dependency files they install."""

from __future__ import annotations

import contextlib
import os.path
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pycache_action.buildx.options import Surroundings, git_files_command, resolve_context
from pycache_action.buildx.trace import TraceRecorder
from pycache_action.dependencies.read import WantedFile, read_dependencies
from pycache_action.dockerfile.context import DirectoryContext, read_context
from pycache_action.dockerfile.install_steps import InstallStep, find_install_steps
from pycache_action.dockerfile.parse import Dockerfile, find_dockerfile, parse_dockerfile
from pycache_action.errors import InputError
from pycache_action.failure import find_failure
from pycache_action.untrusted import hide_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.buildx.client import Buildx
    from pycache_action.dependencies.model import DependencySet
    from pycache_action.inputs import Inputs

FETCH_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is to be built.

    `dockerfile_path` is relative to the context. `folder` is where people find the context, relative to where they
    work (empty: right there), so that files can be named as their repository has them.
    """

    context: DirectoryContext
    dockerfile: Dockerfile
    dockerfile_path: str
    folder: str
    installs: tuple[InstallStep, ...]
    dependencies: DependencySet
    warnings: tuple[str, ...] = ()

    def name(self, path: str) -> str:
        """A file of the context as people know it."""
        return os.path.normpath(os.path.join(self.folder, path))  # noqa: PTH118 (pathlib keeps `..`)

    @property
    def dockerfile_name(self) -> str:
        """The Dockerfile as people know it."""
        return self.name(self.dockerfile_path)


@contextlib.contextmanager
def open_context(inputs: Inputs, buildx: Buildx, surroundings: Surroundings) -> Iterator[Path]:
    """A folder with the files of the build context; a Git context is fetched by the builder, which has Git."""
    argument = resolve_context(inputs.context, surroundings.origin)
    if not _is_remote(argument):
        folder = Path(argument)
        if not folder.is_dir():
            raise InputError(
                f"context: there is no folder {argument!r}",
                hint="Is actions/checkout missing before this step? Without `context`, no checkout is needed.",
            )
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="pycache-context-") as name:
        command = git_files_command(inputs, surroundings, Path(name)).with_progress("rawjson")
        recorder = TraceRecorder()
        answer = buildx.run(
            *command.arguments,
            environment=command.environment,
            standard_input=b"FROM scratch\nCOPY . /\n",
            on_error_line=recorder.feed,
            deadline=FETCH_SECONDS,
        )
        if answer.exit_code != 0:
            failure = find_failure(recorder.trace())
            words = answer.stopped or " ".join([*failure.log.strip().splitlines()[-1:], failure.error])
            raise InputError(
                f"context: {argument} cannot be fetched: {hide_credentials(words)}",
                hint="May `github-token` read this repository (permissions: contents: read)?",
            )
        yield Path(name)


def read_project(inputs: Inputs, root: Path) -> Project:
    """Read the project below `root`. Raises `InputError` for a Dockerfile that is missing or cannot be parsed."""
    path = find_dockerfile(root, _dockerfile_path(inputs, root))
    build_args = dict(_split(argument) for argument in inputs.build_args)
    dockerfile = parse_dockerfile(path.read_bytes(), str(path)).resolved(build_args, target=inputs.target)
    context = read_context(root, path)
    installs = find_install_steps(
        dockerfile,
        context,
        inputs.target,
        build_args,
        platform=inputs.platforms[0] if len(inputs.platforms) == 1 else "",
        build_contexts=[_split(named)[0] for named in inputs.build_contexts],
    )
    wanted = _wanted_files(inputs, context, installs)
    dependencies = read_dependencies(root, wanted)
    warnings = [str(problem) for problem in dependencies.problems]
    warnings += [f"{path.name}, line {install.line}: {words}" for install in installs for words in install.unresolved]
    if not installs:
        warnings.append(f"No step of {path.name} installs Python packages; there is nothing to explain.")
    return Project(
        context=context,
        dockerfile=dockerfile,
        dockerfile_path=os.path.relpath(path, root),
        folder=_folder_for_people(inputs),
        installs=installs,
        dependencies=dependencies,
        warnings=tuple(warnings),
    )


def _wanted_files(
    inputs: Inputs, context: DirectoryContext, installs: tuple[InstallStep, ...]
) -> tuple[WantedFile, ...]:
    if not inputs.dependency_files:
        return tuple(dict.fromkeys(file for install in installs for file in install.wanted))
    found: list[WantedFile] = []
    for pattern in inputs.dependency_files:
        matched = [path for path in context.glob(pattern) if context.exists(path)]
        if not matched:
            raise InputError(
                f"dependency-files: {pattern!r} matches no file in the build context",
                hint="Globs are relative to the context, such as requirements/*.txt.",
            )
        found += [WantedFile(path) for path in matched]
    return tuple(dict.fromkeys(found))


def _dockerfile_path(inputs: Inputs, root: Path) -> str:
    """`file` is relative to where the command runs, but for a Git context to that context."""
    if not inputs.file or Path(inputs.file).exists() or not (root / inputs.file).is_file():
        return inputs.file
    return str(root / inputs.file)


def _folder_for_people(inputs: Inputs) -> str:
    """A Git context names its folder behind the colon: https://docs.docker.com/build/concepts/context/#url-fragments"""
    if not inputs.context or "defaultContext" in inputs.context or _is_remote(inputs.context):
        return inputs.context.partition("}}:")[2] or inputs.context.partition("#")[2].partition(":")[2]
    relative = os.path.relpath(inputs.context)
    return "" if relative == "." else relative


def _is_remote(argument: str) -> bool:
    """As buildx tells URLs from folders: https://docs.docker.com/build/concepts/context/#git-repositories"""
    return argument.startswith(("https://", "http://", "git://", "ssh://", "git@", "github.com/"))


def _split(argument: str) -> tuple[str, str]:
    name, _, value = argument.partition("=")
    return name, value
