"""The first buildx that answers is used, if it is new enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recordings.scripted import Asked, Say, Scripted
from tests.recordings.session import replay

from pycache_action.buildx.client import Buildx, find_buildx
from pycache_action.errors import BuilderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "github.com/docker/buildx v0.29.1 abc\n"


def machine(**programs: Callable[[], Say]) -> Scripted:
    """A machine with these programs."""

    def answer(asked: Asked) -> Say:
        if asked.arguments[0] not in programs:
            raise FileNotFoundError(asked.arguments[0])
        return programs[asked.arguments[0]]()

    return Scripted(answer)


def says(text: str, exit_code: int = 0) -> Callable[[], Say]:
    return lambda: Say(stdout=text, exit_code=exit_code)


def test_find_buildx__by_itself_first() -> None:
    processes = machine(buildx=says(VERSION), docker=says(VERSION))
    assert find_buildx(processes, {}).program == ("buildx",)


def test_find_buildx__as_dockers_plugin() -> None:
    assert find_buildx(machine(docker=says(VERSION)), {}).program == ("docker", "buildx")


def test_find_buildx__a_recorded_engine() -> None:
    assert find_buildx(replay("builders"), {}).program == ("docker", "buildx")


@pytest.mark.parametrize("processes", [machine(), machine(docker=says("", exit_code=1))])
def test_find_buildx__there_is_none(processes: Scripted) -> None:
    with pytest.raises(BuilderUnavailable, match="no docker buildx") as raised:
        find_buildx(processes, {})
    assert "https://docs.docker.com" in raised.value.hint
    assert raised.value.exit_code == 3


def test_find_buildx__one_that_may_not_be_run() -> None:
    def refuse() -> Say:
        raise PermissionError(13, "Permission denied", "buildx")

    assert find_buildx(machine(buildx=refuse, docker=says(VERSION)), {}).program == ("docker", "buildx")


@pytest.mark.parametrize(
    "version",
    [
        "v0.15.0",
        "v0.29.1+ds1",
        "0.29.1",
        "v0.30.0-rc1",
        "v1.0.0",
        "built by hand",
    ],
)
def test_find_buildx__new_enough(version: str) -> None:
    found = find_buildx(machine(buildx=says(f"github.com/docker/buildx {version} abc")), {})
    assert found.program == ("buildx",)


@pytest.mark.parametrize("version", ["v0.14.9", "v0.5.1", "0.9.0"])
def test_find_buildx__too_old(version: str) -> None:
    with pytest.raises(BuilderUnavailable, match=r"0\.15 or newer is needed") as raised:
        find_buildx(machine(buildx=says(f"github.com/docker/buildx {version} abc")), {})
    assert version.removeprefix("v") in raised.value.message


def test_run__builder_and_environment() -> None:
    processes = machine(buildx=says(""))
    buildx = Buildx(program=("buildx",), processes=processes, environment={"A": "1", "B": "1"}).on("mine")
    buildx.run("ls", environment={"B": "2"}, deadline=5)
    assert buildx.chosen == ("--builder", "mine")
    (asked,) = processes.asked
    assert asked.arguments == ("buildx", "ls")
    assert asked.environment == {"A": "1", "B": "2"}
    assert asked.deadline == 5


def test_buildx__environment_stands_in_no_repr() -> None:
    assert "hunter2" not in repr(Buildx(program=("buildx",), processes=machine(), environment={"T": "hunter2"}))
