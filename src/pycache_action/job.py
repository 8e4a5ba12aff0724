"""What is to be done, and under which circumstances: the action and the command line make one each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pycache_action.cache.backend import Backend, Off, Unavailable, describe
from pycache_action.cache.naming import Branches, compute_key, compute_scope, name_safely

if TYPE_CHECKING:
    from pycache_action.buildx.options import Surroundings
    from pycache_action.inputs import Inputs
    from pycache_action.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A build that was asked for.

    `image` names what is built where no tag does. `may_not_read` and `may_not_save` are why the cache is not read or
    written, empty where it is. `helper` is the build context with a static busybox (see `cache.store`).
    """

    inputs: Inputs
    surroundings: Surroundings
    backend: Backend | Off | Unavailable
    branches: Branches
    image: str
    helper: str
    may_not_read: str = ""
    may_not_save: str = ""

    @property
    def backend_name(self) -> str:
        """The cache, for people."""
        match self.backend:
            case Off():
                return "off"
            case Unavailable(reason=reason):
                return f"none ({reason})"
            case backend:
                return describe(backend)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The names of what is built: its scope among all images, its key among all sets of dependencies."""

    scope: str
    key: str


def identify(job: Job, project: Project) -> Identity:
    """Name what is built, by what it is called and what it depends on."""
    inputs = job.inputs
    scope = (
        name_safely(inputs.scope)
        if inputs.scope
        else compute_scope(
            image=inputs.tags[0] if inputs.tags else job.image,
            dockerfile=project.dockerfile_path,
            target=inputs.target,
            platforms=inputs.platforms,
        )
    )
    return Identity(scope=scope, key=compute_key(scope, project.dependencies.meaning()))
