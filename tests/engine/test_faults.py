"""Whatever a cache does, the build ends as it would without one, and at most half a minute later.

A few scenes are played in every run of the tests, all of them by `make slow`. They mostly wait, so several
are played at once.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.engine.fault_scenes import MODES, MOST_LOST, Moment, Scene, Seen, Stage, push_base
from tests.support.faults import AfterRequests, Slow
from tests.support.faulty import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.engine.conftest import Session
    from tests.engine.harness import Product, Project
    from tools.engine import Engine

AT_ONCE = 3
SHORT = (
    Scene(backend="registry", moment=Moment.PROBE, fault="silent"),
    Scene(backend="registry", moment=Moment.PROBE, fault="403"),
    Scene(backend="registry", moment=Moment.INDEX, fault="silent"),
    Scene(backend="registry", moment=Moment.IMPORT, fault="silent"),
    Scene(backend="registry", moment=Moment.SAVE, fault="slow"),
    Scene(backend="gha", moment=Moment.IMPORT, fault="silent"),
    Scene(backend="gha", moment=Moment.SAVE, fault="dead"),
)
# Not among them: GitHub's service cutting every upload of more than a megabyte. The client tries again for minutes, and
# a small document still goes through, so nothing but the limit of ten minutes ends that save.
ALL = tuple(
    Scene(backend=backend, moment=moment, fault=fault)
    for backend in ("registry", "gha")
    for moment in Moment
    for fault in MODES
    if not (backend == "gha" and moment is Moment.INDEX)
    and not (moment is Moment.PROBE and fault == "cut")
    and not (backend == "gha" and moment is Moment.SAVE and fault == "cut")
)
SCENES = [pytest.param(scene, marks=() if scene in SHORT else pytest.mark.slow) for scene in ALL]


@pytest.fixture(scope="module")
def played(
    engine: Engine,
    session: Session,
    make_product: Callable[[Path], Product],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[dict[Scene, Future[Seen]]]:
    folder = tmp_path_factory.mktemp("faults")
    product = make_product(folder)
    base = push_base(engine, product, session.token, folder / "base")
    stage = Stage(engine=engine, product=product, base=base, token=session.token)
    chosen = {item.name for item in request.session.items}
    wanted = [scene for scene in ALL if f"{test_build__a_cache_that_fails.__name__}[{scene}]" in chosen]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {scene: pool.submit(stage.play, scene) for scene in wanted}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_build__a_cache_that_fails(
    scene: Scene, played: dict[Scene, Future[Seen]], record_property: Callable[[str, object], None]
) -> None:
    seen = played[scene].result()
    record_property("lost", round(seen.lost, 1))
    print(f"{scene!s:28} without a cache {seen.plain.seconds:5.1f} s, lost {seen.lost:5.1f} s")
    assert seen.faulty.exit_code == seen.plain.exit_code == 0, seen.faulty
    assert seen.same_image
    assert seen.lost < MOST_LOST, seen.faulty
    if scene.moment is Moment.SAVE:
        assert seen.faulty.report["saved"]["reason"], seen.faulty
        assert seen.healthy.cause_ids in ([], ["no-previous-build"]), seen.healthy
    elif scene.fault != "slow":
        assert "cache-unreadable" in seen.faulty.cause_ids, seen.faulty
    assert seen.healthy.exit_code == 0, seen.healthy
    if scene.moment in (Moment.INDEX, Moment.IMPORT):
        assert seen.healthy.report["result"] == "hit", seen.healthy
    assert seen.healthy.report["warnings"] == [], seen.healthy


@pytest.mark.slow
def test_build__a_slow_server_that_does_its_best_is_not_given_up(
    project: Project, pycache: Product, engine: Engine, name: str
) -> None:
    """BuildKit says nothing while a layer goes out, here for half a minute."""
    project.write("Dockerfile", f"FROM busybox:1.37\nENV NAME={name}\nRUN head -c 2000000 /dev/urandom > /payload\n")
    with FaultyProxy(engine.registry) as proxy:
        cache = f"registry,ref={proxy.address}/engine-tests/cache/{name}"
        proxy.switch(AfterRequests(0, matching=r"^POST "), to=Slow(80_000))
        outcome = pycache.build(project, "--cache", cache, "--output", "type=cacheonly", timeout=400)
        assert outcome.exit_code == 0, outcome
        assert outcome.report["saved"]["reason"] == "", outcome
        assert outcome.report["timings"]["save"] > 20
