"""What the product costs where there is nothing to gain: an unchanged project on a new runner."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from tests.engine.images import read_tags

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.harness import Product, Project
    from tools.engine import Engine

ROUNDS = 3
MOST_SECONDS = 1.0


def test_build__costs_a_second_at_most(
    project: Project,
    cache: str,
    image: str,
    name: str,
    engine: Engine,
    pycache: Product,
    new_runner: Callable[[], Product],
) -> None:
    """Against plain buildx with the same cache; by turns, since machines have moods."""
    cold = pycache.build(project, "--cache", cache, "--tag", image, "--push")
    assert cold.exit_code == 0, cold
    repository = f"engine-tests/cache/{name}"
    (layers,) = (tag for tag in read_tags(engine.registry, repository) if not tag.endswith(".manifest"))
    plain_build = ("buildx", "build", "--push", "--tag", image, "--progress", "quiet")
    cache_from = ("--cache-from", f"type=registry,ref={engine.registry}/{repository}:{layers}")

    plain: list[float] = []
    ours: list[float] = []
    for _ in range(ROUNDS):
        runner = new_runner()
        started = time.monotonic()
        runner.docker(*plain_build, *cache_from, str(project.folder))
        plain.append(time.monotonic() - started)
        outcome = new_runner().build(project, "--cache", cache, "--tag", image, "--push")
        assert outcome.report["result"] == "hit", outcome
        ours.append(outcome.seconds)

    overhead = statistics.median(ours) - statistics.median(plain)
    figures = [", ".join(f"{seconds:.2f}" for seconds in sorted(each)) for each in (plain, ours)]
    print(f"\nplain buildx {figures[0]} s; pycache build {figures[1]} s; median overhead {overhead:+.2f} s")
    assert overhead <= MOST_SECONDS
