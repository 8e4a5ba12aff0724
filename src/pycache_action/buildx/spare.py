"""Another builder for a build whose own one no longer answers (see `cache.preflight` for how that comes about)."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.buildx.client import Buildx

ANSWER_SECONDS = 4.0
BOOT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Spare:
    """A throw-away builder, by name."""

    name: str


@contextlib.contextmanager
def open_spare(buildx: Buildx, *, is_stuck: bool) -> Iterator[Spare | None]:
    """A builder in a container for as long as the block lasts; None where no other can be had, or none is needed.

    It is where the own one `is_stuck`, or does not answer.
    """
    if not is_stuck and _answers(buildx):
        yield None
        return
    name = f"pycache-spare-{secrets.token_hex(4)}"
    made = buildx.run(
        *("create", "--name", name, "--driver", "docker-container", "--driver-opt", "network=host", "--bootstrap"),
        deadline=BOOT_SECONDS,
    )
    try:
        yield Spare(name) if made.exit_code == 0 and not made.stopped else None
    finally:
        buildx.run("rm", "--force", name, deadline=60)


def _answers(buildx: Buildx) -> bool:
    """The smallest build there is: it needs nothing but the builder's attention."""
    answer = buildx.run(
        *("build", *buildx.chosen, "--provenance", "false", "--output", "type=cacheonly", "-"),
        standard_input=b"FROM scratch\n",
        deadline=ANSWER_SECONDS,
    )
    return answer.exit_code == 0
