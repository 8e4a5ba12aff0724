"""A call of `docker buildx`: what stands in its argument list, and what only the child's environment may hold."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CREDENTIALS = re.compile(
    r"(?<=://)[^/@\s]+(?=@)"
    r"|(?<=secret_access_key=)[^,\s]+|(?<=session_token=)[^,\s]+|(?<=account_key=)[^,\s]+|(?<=token=)[^,\s]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCommand:
    """`arguments` follow `docker buildx`; `environment` is added to the child's and holds the secrets.

    `warnings` are for the log: what was given and left out.
    """

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()

    def with_progress(self, kind: str) -> BuildCommand:
        """The same build, telling of its progress in another way."""
        subcommand, *rest = self.arguments
        return replace(self, arguments=(subcommand, "--progress", kind, *rest))

    def on_spare(self, name: str) -> BuildCommand:
        """The same build on a builder in a container: what the engine's own would have kept is loaded into the engine."""
        outputs = ("--output", "--push", "--load", "--call")
        keeps = any(argument.partition("=")[0] in outputs for argument in self.arguments)
        return replace(self, arguments=(*self.arguments, "--builder", name, *([] if keeps else ["--load"])))

    def __add__(self, other: BuildCommand) -> BuildCommand:
        return BuildCommand(
            arguments=self.arguments + other.arguments,
            environment={**self.environment, **other.environment},
            warnings=self.warnings + other.warnings,
        )


def render_command(command: BuildCommand) -> str:
    """Write the command for a log: quoted for a shell, without the credentials people put into URLs and attributes."""
    return _CREDENTIALS.sub("***", shlex.join(("docker", "buildx", *command.arguments)))
