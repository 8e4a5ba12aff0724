"""The compressed size of an image: what a runner downloads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.engine import official_python
from tools.engine.registry import Client
from tools.engine.seed import BUILDX, BUSYBOX, PYTHON, is_upstream_reachable
from tools.engine.steps import EngineError, step
from tools.engine.toolbox import build_image

if TYPE_CHECKING:
    from pathlib import Path

    from tools.engine.engine import Engine

NAME = "pycache-action:size"


def measure_action_image(engine: Engine, project: Path) -> str:
    """Builds `Dockerfile` of `project` and says how large the result is, layer by layer."""
    if not (project / "Dockerfile").exists():
        raise EngineError(f"there is no Dockerfile in {project}")
    client = Client(engine.registry)
    python = next((name for name in (official_python.NAME, PYTHON.name) if client.has(name)), PYTHON.name)
    images = {"PYTHON_IMAGE": python, "BUILDX_IMAGE": BUILDX.name, "BUSYBOX_IMAGE": BUSYBOX.name}
    arguments = {} if is_upstream_reachable() else {key: name.removeprefix("library/") for key, name in images.items()}
    with step("the action's image"):
        build_image(engine, [NAME], project, *(f"--build-arg={key}={value}" for key, value in arguments.items()))
    sizes = parse_layer_sizes(client.fetch_manifest(NAME))
    if not arguments:
        return render_sizes(sizes)
    base = parse_layer_sizes(client.fetch_manifest(python))
    ours = sizes[len(base) :]
    return f"{render_sizes(ours)} on {render_sizes(base)} of a stand-in for {arguments['PYTHON_IMAGE']}"


def parse_layer_sizes(manifest: str) -> list[int]:
    return [int(layer["size"]) for layer in json.loads(manifest)["layers"]]


def render_sizes(sizes: list[int]) -> str:
    """For example "61.2 MB compressed (28.2 + 33.0)"."""
    return f"{sum(sizes) / 1e6:.1f} MB compressed ({' + '.join(f'{size / 1e6:.1f}' for size in sizes)})"
