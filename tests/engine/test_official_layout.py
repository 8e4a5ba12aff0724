"""An image laid out like Docker's own Python images: the interpreter in /usr/local, packages in site-packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tools.engine import ensure_tools

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Session
    from tests.engine.harness import Product, Project
    from tools.engine import Engine

DOCKERFILE = """\
FROM python:3.13-slim AS builder
ENV PROJECT={name} PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PIP_DISABLE_PIP_VERSION_CHECK=1
COPY --from={base} /wheels /wheels
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install -r requirements.txt

FROM python:3.13-slim
COPY --from=builder /venv /venv
COPY app.py .
CMD ["/venv/bin/python", "app.py"]
"""


@pytest.fixture
def official(engine: Engine, project: Project, session: Session, name: str) -> Project:
    ensure_tools(engine)
    project.write("Dockerfile", DOCKERFILE.format(base=session.base, name=name))
    return project


def test_build__official_layout(
    official: Project, cache: str, image: str, new_runner: Callable[[], Product], pycache: Product
) -> None:
    cold = new_runner().build(official, "--cache", cache, "--tag", image, "--push")
    assert (cold.exit_code, cold.report["result"]) == (0, "miss"), cold
    unchanged = new_runner().build(official, "--cache", cache, "--tag", image, "--push")
    assert (unchanged.exit_code, unchanged.report["result"], unchanged.all_cached) == (0, "hit", True), unchanged
    assert pycache.docker("run", "--rm", image) == ""
    installed = pycache.docker("run", "--rm", image, "/venv/bin/pip", "list", "--format", "freeze")
    assert {"alpha==1.0", "beta==1.0", "gamma==1.0"} <= set(installed.splitlines())
