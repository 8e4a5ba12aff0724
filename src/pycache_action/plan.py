"""How the image will be built. Only the user's own Dockerfile, for now; package layers are another kind of plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pycache_action.dockerfile.install_steps import InstallStep


@dataclass(frozen=True, slots=True)
class Plain:
    """The user's Dockerfile as it is, with the layer cache; `reason` is one sentence."""

    reason: str
    kind: str = "plain"


Plan = Plain


def make_plan(installs: tuple[InstallStep, ...]) -> Plan:
    """Choose how to build."""
    if not installs:
        return Plain("the Dockerfile has no step that installs Python packages")
    return Plain("the Dockerfile is built as it is, with its layers cached")
