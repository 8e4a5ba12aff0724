"""The build graph is read from what buildx wrote; what is missing or malformed in it only explains less."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recordings.session import read_session

from pycache_action.buildx.provenance import (
    Copy,
    ImageSource,
    LocalSource,
    Metadata,
    OtherSource,
    Run,
    Step,
    parse_metadata,
)


def read(name: str, call: int = 1) -> Metadata:
    return parse_metadata(read_session(name)[call].files["{temp}/metadata.json"].decode())


def metadata_of(*nodes: dict[str, Any], platform: str = "") -> Metadata:
    """The metadata of a build with these nodes: `id`, `inputs`, `op`, and `line` in the Dockerfile."""
    name = f"buildx.build.provenance/{platform}" if platform else "buildx.build.provenance"
    locations = {
        node["id"]: {"locations": [{"ranges": [{"start": {"line": node["line"]}, "end": {"line": node["line"]}}]}]}
        for node in nodes
        if "line" in node
    }
    provenance = {
        "buildConfig": {
            "llbDefinition": [{"id": n["id"], "inputs": n.get("inputs", []), "op": {"Op": n["op"]}} for n in nodes],
            "digestMapping": {f"sha256:{node['id']}": node["id"] for node in nodes},
        },
        "metadata": {"https://mobyproject.org/buildkit@v1#metadata": {"source": {"locations": locations}}},
        "invocation": {"environment": {"platform": "linux/amd64"}},
    }
    return parse_metadata(json.dumps({name: provenance}))


def steps_of(metadata: Metadata, kind: type) -> list[Step]:
    return [step for step in metadata.provenance.steps if isinstance(step.operation, kind)]


def test_parse_metadata__recorded_build() -> None:
    metadata = read("pip-cold")
    (run,) = steps_of(metadata, Run)
    assert isinstance(run.operation, Run)
    assert run.line == 5
    assert run.platform == "linux/amd64"
    assert run.operation.working_directory == "/app"
    assert run.operation.arguments[:2] == ("/bin/sh", "-c")
    assert ("PIP_ROOT_USER_ACTION", "ignore") in run.operation.environment
    assert [(mount.target, mount.source) for mount in run.operation.mounts if mount.source] == [("/wheels", "/wheels")]
    assert run.vertex.startswith("sha256:")


def test_parse_metadata__the_path_to_a_recorded_install() -> None:
    metadata = read("pip-cold")
    (run,) = steps_of(metadata, Run)
    path = metadata.provenance.path_to(run)
    assert path[-1] == run
    assert sorted(step.line for step in path if step.line) == [1, 3, 4, 5]
    position = {step.id: number for number, step in enumerate(path)}
    assert all(position[below] < position[step.id] for step in path for below in step.inputs)


def test_parse_metadata__recorded_stages() -> None:
    metadata = read("venv-cold")
    assert [step.line for step in steps_of(metadata, Run)] == [2, 5]
    assert list(metadata.provenance.base_images) == ["docker.io/library/python:3.11-slim"]
    assert all(digest.startswith("sha256:") for digest in metadata.provenance.base_images.values())


def test_parse_metadata__what_users_get_holds_no_build_graph() -> None:
    metadata = read("pip-cold")
    shown = json.dumps(metadata.values)
    assert "llbDefinition" not in shown
    assert "find-links" not in shown
    assert metadata.digest.startswith("sha256:")
    assert metadata.image_id.startswith("sha256:")
    assert metadata.values["image.name"]


def test_parse_metadata__layers_that_were_written() -> None:
    sizes = dict(read("pip-cold", 2).provenance.layers)
    assert sizes
    assert all(size > 0 for size in sizes.values())


def test_parse_metadata__build_args_are_not_shown() -> None:
    provenance = {
        "invocation": {"parameters": {"frontend": "dockerfile.v0", "args": {"build-arg:TOKEN": "hunter2"}}},
        "materials": [],
    }
    metadata = parse_metadata(json.dumps({"buildx.build.provenance": provenance}))
    assert "hunter2" not in json.dumps(metadata.values)


def test_run__secret_values_stand_in_no_repr() -> None:
    op = {"exec": {"meta": {"args": ["x"], "env": ["TOKEN=hunter2"]}}}
    assert "hunter2" not in repr(metadata_of({"id": "a", "op": op, "line": 1}).provenance)


@pytest.mark.parametrize(
    ("identifier", "operation"),
    [
        (
            "docker-image://docker.io/library/a:1@sha256:11",
            ImageSource(reference="docker.io/library/a:1", digest="sha256:11"),
        ),
        ("docker-image://a", ImageSource(reference="a", digest="")),
        ("oci-layout://a@sha256:11", ImageSource(reference="a", digest="sha256:11")),
        ("local://context", LocalSource(name="context")),
        ("git://github.com/org/app", OtherSource(identifier="git://github.com/org/app")),
        ("https://example.org/x", OtherSource(identifier="https://example.org/x")),
        ("", OtherSource(identifier="")),
    ],
)
def test_parse_metadata__sources(identifier: str, operation: object) -> None:
    (step,) = metadata_of({"id": "a", "op": {"source": {"identifier": identifier}}}).provenance.steps
    assert step.operation == operation


def test_parse_metadata__copies() -> None:
    actions = [{"Action": {"copy": {"src": "/a"}}}, {"Action": {"mkdir": {}}}, {"Action": {"copy": {}}}, {}]
    (step,) = metadata_of({"id": "a", "op": {"file": {"actions": actions}}}).provenance.steps
    assert step.operation == Copy(sources=("/a", ""))


def test_parse_metadata__a_platform_in_the_name() -> None:
    metadata = metadata_of({"id": "a", "op": {"merge": {}}}, platform="linux/arm64")
    assert metadata.provenance.platforms == ("linux/arm64",)


def test_path_to__stays_on_its_platform() -> None:
    run = {"id": "b", "inputs": ["a:0"], "op": {"exec": {"meta": {"args": ["x"]}}}}
    base = {"id": "a", "op": {"source": {"identifier": "docker-image://a@sha256:1"}}}
    both = {
        **metadata_text(metadata_nodes=(base, run), platform="linux/amd64"),
        **metadata_text(metadata_nodes=(base, run), platform="linux/arm64"),
    }
    provenance = parse_metadata(json.dumps(both)).provenance
    arm = next(step for step in provenance.steps if step.platform == "linux/arm64" and step.id == "b")
    assert {step.platform for step in provenance.path_to(arm)} == {"linux/arm64"}


def metadata_text(*, metadata_nodes: tuple[dict[str, Any], ...], platform: str) -> dict[str, Any]:
    llb = [{"id": n["id"], "inputs": n.get("inputs", []), "op": {"Op": n["op"]}} for n in metadata_nodes]
    return {f"buildx.build.provenance/{platform}": {"buildConfig": {"llbDefinition": llb}}}


def test_path_to__a_deep_graph() -> None:
    nodes = [{"id": str(n), "inputs": [f"{n - 1}:0"] if n else [], "op": {"merge": {}}, "line": n} for n in range(5000)]
    provenance = metadata_of(*nodes).provenance
    began = time.perf_counter()
    assert len(provenance.path_to(provenance.steps[-1])) == 5000
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "7", '{"buildx.build.provenance": 7}'])
def test_parse_metadata__no_metadata(text: str) -> None:
    metadata = parse_metadata(text)
    assert (metadata.digest, metadata.image_id, metadata.provenance.steps) == ("", "", ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(["buildConfig", "metadata", "invocation", "materials"]), JSON)
def test_parse_metadata__any_provenance(name: str, value: object) -> None:
    parse_metadata(json.dumps({"buildx.build.provenance": {name: value}}))
