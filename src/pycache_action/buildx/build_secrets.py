"""Secrets of a build, given to buildx by its environment: a value in the argument list could be read by any process.

Which inputs make which secrets is as in docker/build-push-action:
https://github.com/docker/actions-toolkit/blob/3d440bee38d031fd98202e75014415cfc605cf84/src/buildx/build.ts#L202-L232
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pycache_action.buildx.attributes import join_fields
from pycache_action.buildx.command import BuildCommand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pycache_action.inputs import Inputs

GIT_TOKEN = "GIT_AUTH_TOKEN"  # noqa: S105 - the name of a secret
MIN_SECRET_LENGTH = 4

_SENSITIVE_NAME = re.compile(r"secret|token|passw|credential|api_?key|private_?key|access_?key", re.IGNORECASE)
_URL_WITH_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]+@")
# Names that buildx, or a library in it, reads for itself: a build's value for them must stay the build's.
_READ_BY_BUILDX = re.compile(
    r"(PATH|HOME|USER|TMPDIR|[A-Z]+_PROXY"
    r"|(ACTIONS|AWS|AZURE|BUILDKIT|BUILDX|DOCKER|GIT|LD|OTEL|PYCACHE|SSH|SSL|XDG)_.*)",
    re.IGNORECASE,
)


def compute_secrets(inputs: Inputs, git_context: str, file_exists: Callable[[str], bool]) -> BuildCommand:
    """Return `--secret` flags for the secret inputs; `git_context` is set where the Git token is wanted too.

    What has no name or no value is left out with a warning, since a secret is empty on a fork's pull request.
    """

    def from_environment(_: int, name: str, variable: str) -> BuildCommand:
        return _flag(name, f"env={variable}")

    def from_value(number: int, name: str, value: str) -> BuildCommand:
        variable = f"PYCACHE_SECRET_{number}"
        return _flag(name, f"env={variable}") + BuildCommand(environment={variable: value})

    def from_file(_: int, name: str, path: str) -> BuildCommand:
        if file_exists(path):
            return _flag(name, f"src={path}")
        return _warning(f"secret-files: {name} is left out: there is no file {path}")

    values = inputs.secrets
    if git_context and inputs.github_token and not _has_git_token(inputs, git_context):
        values += (f"{GIT_TOKEN}.{_host(git_context)}={inputs.github_token}",)
    parts = [
        *_each("secret-envs", inputs.secret_envs, from_environment),
        *_each("secrets", values, from_value),
        *_each("secret-files", inputs.secret_files, from_file),
    ]
    return sum(parts, BuildCommand())


def compute_build_args(inputs: Inputs) -> BuildCommand:
    """Return `--build-arg` flags. Values that look like credentials go by the environment (`--build-arg NAME`)."""
    known = [inputs.password, inputs.github_token, *(entry.partition("=")[2] for entry in inputs.secrets)]
    command = BuildCommand()
    for entry in inputs.build_args:
        name, equals, value = entry.partition("=")
        sensitive = (
            _SENSITIVE_NAME.search(name)
            or _URL_WITH_PASSWORD.search(value)
            or any(secret in value for secret in known if len(secret) >= MIN_SECRET_LENGTH)
        )
        if equals and sensitive and not _READ_BY_BUILDX.fullmatch(name):
            command += BuildCommand(arguments=("--build-arg", name), environment={name: value})
        else:
            command += BuildCommand(arguments=("--build-arg", entry))
    return command


def _each(
    input_name: str, entries: Iterable[str], render: Callable[[int, str, str], BuildCommand]
) -> Iterator[BuildCommand]:
    for number, entry in enumerate(entries, 1):
        name, equals, value = entry.partition("=")
        name = name.strip()
        if not equals or not name:
            # The entry is not shown: it may be the second line of a secret.
            yield _warning(
                f"{input_name}: entry {number} is left out: it is not of the form NAME=value."
                ' A value of several lines stands in quotes, "NAME=..."'
            )
        elif not value:
            yield _warning(f"{input_name}: {name} is left out: it is empty")
        else:
            yield render(number, name, value)


def _flag(name: str, source: str) -> BuildCommand:
    return BuildCommand(arguments=("--secret", join_fields((f"id={name}", source))))


def _warning(text: str) -> BuildCommand:
    return BuildCommand(warnings=(text,))


def _has_git_token(inputs: Inputs, git_context: str) -> bool:
    names = {entry.partition("=")[0].strip() for entry in inputs.secrets}
    return not names.isdisjoint({GIT_TOKEN, f"{GIT_TOKEN}.{_host(git_context)}"})


def _host(git_context: str) -> str:
    return urlsplit(git_context).netloc.rpartition("@")[2]
