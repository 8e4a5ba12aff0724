"""What one build installed, no later build installs again, on whatever runner it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.harness import Product, Project


def test_build__registry_unchanged_on_a_new_runner(
    project: Project, cache: str, image: str, new_runner: Callable[[], Product]
) -> None:
    cold = new_runner().build(project, "--cache", cache, "--tag", image, "--push")
    assert (cold.exit_code, cold.report["result"]) == (0, "miss"), cold

    unchanged = new_runner().build(project, "--cache", cache, "--tag", image, "--push")
    assert (unchanged.exit_code, unchanged.report["result"]) == (0, "hit"), unchanged
