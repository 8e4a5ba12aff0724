"""Which builder is used, and what is said where none can be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.recordings.scripted import Asked, Say, Scripted
from tests.recordings.session import replay

from pycache_action.buildx.builder import CONTAINERD_STORE, OWN_BUILDER, choose_builder
from pycache_action.buildx.client import Buildx, find_buildx
from pycache_action.errors import BuilderUnavailable, InputError


def builder_wire(name: str, driver: str = "docker-container", *, store: bool = False, **more: Any) -> dict[str, Any]:
    labels = {CONTAINERD_STORE: "moby"} if store else {}
    node = {"Name": f"{name}0", "Status": "running", "Labels": labels, "Version": "v0.25.0"}
    return {"Name": name, "Driver": driver, "Current": False, "Nodes": [node]} | more


@dataclass
class Machine:
    """A machine with these builders, as `buildx ls` tells of them."""

    builders: list[dict[str, Any]] = field(default_factory=list)
    containers: set[str] = field(default_factory=set)
    """Builders whose containers run, though this buildx does not know them."""
    create_fails: bool = False
    removed: list[str] = field(default_factory=list)

    def choose(self, asked_for: str = "", *, join: bool = False, in_container: bool = False) -> str:
        processes = Scripted(self)
        self.asked = processes.asked
        buildx = Buildx(program=("buildx",), processes=processes, environment={})
        return choose_builder(buildx, asked_for, join=join, in_container=in_container).name

    def __call__(self, asked: Asked) -> Say:
        match asked.arguments[1:]:
            case ("ls", *_):
                return Say(stdout="".join(json.dumps(wire) + "\n" for wire in self.builders))
            case ("create", *_) if self.create_fails:
                return Say(exit_code=1, stderr=["ERROR: could not create a builder"])
            case ("create", *_):
                name = asked.value("--name")
                wire = builder_wire(name)
                wire["Nodes"][0]["Status"] = (
                    "running" if name in self.containers or "--bootstrap" in asked.arguments else "inactive"
                )
                self.builders.append(wire)
                return Say(stdout=name)
            case ("rm", *_):
                self.removed.append(asked.arguments[-1])
                return Say()
            case _:
                raise AssertionError(asked.arguments)


def test_choose_builder__the_one_asked_for() -> None:
    machine = Machine([builder_wire("default", "docker", store=True, Current=True), builder_wire("mine")])
    assert machine.choose("mine") == "mine"


def test_choose_builder__the_engines_own_with_the_containerd_store() -> None:
    machine = Machine([builder_wire("default", "docker", store=True, Current=True)])
    assert machine.choose() == "default"


def test_choose_builder__the_current_one_of_another_driver() -> None:
    machine = Machine([builder_wire("default", "docker"), builder_wire("k8s", "kubernetes", Current=True)])
    assert machine.choose() == "k8s"


def test_choose_builder__an_engine_that_cannot_export_gets_one_of_ours() -> None:
    machine = Machine([builder_wire("default", "docker", Current=True)])
    assert machine.choose() == OWN_BUILDER
    assert "network=host" in machine.asked[-1].arguments
    assert machine.choose() == OWN_BUILDER
    assert [asked.arguments[1] for asked in machine.asked] == ["ls"]


def test_choose_builder__ours_cannot_be_made() -> None:
    machine = Machine([builder_wire("default", "docker", Current=True)], create_fails=True)
    with pytest.raises(BuilderUnavailable, match="could not create a builder") as raised:
        machine.choose()
    assert "containerd image store" in raised.value.hint


def test_choose_builder__another_step_made_it() -> None:
    machine = Machine([builder_wire("default", "docker", Current=True)], containers={"theirs"})
    assert machine.choose("theirs", join=True) == "theirs"
    assert machine.removed == []


def test_choose_builder__nobody_made_it() -> None:
    """What joining left behind is removed again."""
    machine = Machine([builder_wire("default", "docker", Current=True)])
    with pytest.raises(InputError, match="'theirs'") as raised:
        machine.choose("theirs", join=True)
    assert "setup-buildx-action" in raised.value.hint
    assert machine.removed == ["theirs"]


def test_choose_builder__unknown_on_a_laptop() -> None:
    with pytest.raises(InputError, match="no builder 'mine'") as raised:
        Machine([builder_wire("default", "docker"), builder_wire("other")]).choose("mine")
    assert raised.value.hint == "The builders are: default, other."


def test_choose_builder__a_recorded_engine() -> None:
    session = replay("builders")
    builder = choose_builder(find_buildx(session, {}), "", join=False)
    assert (builder.name, builder.driver, builder.containerd_store) == ("default", "docker", True)
    assert builder.exports_caches
    assert session.calls == []


def test_choose_builder__a_recorded_machine_without_an_engine() -> None:
    session = replay("no-engine")
    with pytest.raises(BuilderUnavailable, match="The Docker Engine does not answer: Cannot connect") as raised:
        choose_builder(find_buildx(session, {}), "", join=False)
    assert "Start Docker" in raised.value.hint


def test_choose_builder__buildx_cannot_list() -> None:
    processes = Scripted(lambda _: Say(exit_code=1, stderr=["permission denied: /var/run/docker.sock"]))
    with pytest.raises(BuilderUnavailable, match="permission denied"):
        choose_builder(Buildx(program=("buildx",), processes=processes, environment={}), "", join=False)


def test_choose_builder__buildx_does_not_answer() -> None:
    processes = Scripted(lambda _: Say(exit_code=-15, stopped="no answer within its deadline"))
    with pytest.raises(BuilderUnavailable, match="cannot list its builders"):
        choose_builder(Buildx(program=("buildx",), processes=processes, environment={}), "", join=False)


@pytest.mark.parametrize(
    "stdout", ["", "NAME/NODE DRIVER\n", '{"Name": "x", "Nodes": null}\n', '{"Name": "x", "Nodes": []}\n']
)
def test_choose_builder__little_is_said(stdout: str) -> None:
    def answer(asked: Asked) -> Say:
        return Say(stdout=stdout) if asked.arguments[1] == "ls" else Say()

    builder = choose_builder(Buildx(program=("buildx",), processes=Scripted(answer), environment={}), "", join=False)
    assert builder.name == OWN_BUILDER


def test_choose_builder__what_the_engines_own_cannot_do_goes_into_a_container() -> None:
    machine = Machine([builder_wire("default", "docker", store=True, Current=True)])
    assert machine.choose() == "default"
    assert machine.choose(in_container=True) == OWN_BUILDER


def test_choose_builder__too_old() -> None:
    old = builder_wire("default", "docker", store=True, Current=True)
    old["Nodes"][0]["Version"] = "v0.11.6"
    with pytest.raises(BuilderUnavailable, match=r"BuildKit of builder default is v0\.11\.6; 0\.12 or newer"):
        Machine([old]).choose()
