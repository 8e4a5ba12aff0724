"""A build context in memory, and an install step in one line of text, for tables that can be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pycache_action.dockerfile.dockerignore import Ignore, parse_dockerignore
from pycache_action.dockerfile.install_steps import InstallStep, find_install_steps
from pycache_action.dockerfile.parse import parse_dockerfile
from pycache_action.dockerfile.paths import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass
class FilesInMemory:
    """The files of a context by name; only which there are matters."""

    names: Iterable[str] = ()
    ignore: Ignore = field(default_factory=Ignore)

    def exists(self, path: str) -> bool:
        return path in self.names and self.ignore.rule_for(path) is None

    def glob(self, pattern: str) -> tuple[str, ...]:
        everything = {str(path) for name in self.names for path in (PurePosixPath(name), *PurePosixPath(name).parents)}
        visible = (path for path in everything if self.ignore.rule_for(path) is None)
        return tuple(sorted(path for path in visible if matches(pattern, path)))

    def excluded_by(self, path: str) -> str:
        rule = self.ignore.rule_for(path)
        return f".dockerignore line {rule.line}" if rule else ""

    def why_not(self, path: str) -> str:
        return "not in the build context"


def tell(step: InstallStep) -> str:
    """`7 pip: requirements.txt, constraints pins.txt; names flask; project .; unsure: why`."""
    files = [f"{one.role} {one.label}" if one.role != "requirements" else one.label for one in step.wanted]
    parts = [
        ", ".join(files),
        f"names {' '.join(step.named)}" if step.named else "",
        f"project {' '.join(step.project)}" if step.project else "",
        *(f"unsure: {why}" for why in step.unresolved),
    ]
    kind = "" if step.kind == "install" else f" {step.kind}"
    return f"{step.line} {step.tool}{kind}: {'; '.join(filter(None, parts))}"


def steps_of(
    dockerfile: str,
    files: str = "",
    *,
    target: str = "",
    build_args: Mapping[str, str] | None = None,
    ignore: str = "",
    platform: str = "",
) -> tuple[InstallStep, ...]:
    context = FilesInMemory(frozenset(files.split()), parse_dockerignore(ignore))
    return find_install_steps(parse_dockerfile(dockerfile), context, target, build_args, platform=platform)


def told(dockerfile: str, files: str = "") -> list[str]:
    return [tell(step) for step in steps_of(dockerfile, files)]
