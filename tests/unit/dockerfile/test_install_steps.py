from __future__ import annotations

import pytest
from tests.unit.dockerfile.files import steps_of, tell
from tests.unit.dockerfile.shapes import SHAPES, Shape


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name.replace(" ", "-"))
def test_find_install_steps__shapes(shape: Shape) -> None:
    steps = steps_of(
        shape.dockerfile, shape.files, target=shape.target, build_args=shape.build_args, ignore=shape.ignore
    )
    assert [tell(step) for step in steps] == list(shape.steps)
