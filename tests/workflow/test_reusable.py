"""The organisation's reusable workflow, called as `examples/reusable` calls it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.package_index import PackageIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.gha_cache import GhaCache
    from tests.workflow.act import Act, Runner
    from tests.workflow.conftest import Session
    from tests.workflow.project import Project

CALLER = Path(__file__).parents[2] / "examples" / "reusable" / ".github" / "workflows" / "image.yml"
NEXT_JOB = """
  told:
    needs: image
    runs-on: ubuntu-latest
    steps:
      - id: told
        run: echo "it was a ${{ needs.image.outputs.cache-result }}, ${{ needs.image.outputs.digest }}"
"""


def test_reusable__with_a_private_index(
    act: Act,
    project: Project,
    session: Session,
    warm_runner: Runner,
    gha_cache: GhaCache,
    image: str,
    name: str,
    docker: Callable[..., str],
) -> None:
    text = CALLER.read_text()
    assert text.count("ghcr.io/${{ github.repository }}") == 1
    text = text.replace("ghcr.io/${{ github.repository }}", "${{ vars.IMAGE }}")
    project.write(".github/workflows/image.yml", text + NEXT_JOB)
    project.write(
        "Dockerfile",
        f"FROM {session.base}\nENV PROJECT={name} PIP_NO_INDEX=0\nCOPY requirements.txt .\n"
        "RUN --mount=type=secret,id=pip-conf,target=/etc/pip.conf pip install -r requirements.txt\n",
    )
    project.write("requirements.txt", "omega==1.0\n")
    with PackageIndex(in_builds=True, credentials=("team", "index-p4ss")) as index:
        index.add_wheel("omega", "1.0")
        address = index.with_credentials(index.url_in_builds)
        result = act.run(
            project.push(),
            warm_runner,
            environ=gha_cache.environment(),
            variables={"IMAGE": image},
            secrets={
                "GITHUB_TOKEN": "ghs_of-the-job",
                "PIP_CONF": f"[global]\nindex-url = {address}\ntrusted-host = {index.host_in_builds}",
            },
        )
    assert result.ok
    assert f"it was a miss, {result.outputs()['digest']}" in result.log("told")
    assert result.outputs()["digest"] in docker("buildx", "imagetools", "inspect", f"{image}:latest")
    assert "index-p4ss" not in result.wire
