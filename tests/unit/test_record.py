"""What an install step stood on is written down: every instruction above it, and all that could make it differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recordings.projects import VENV, Shop
from tests.recordings.session import read_session

from pycache_action.build import Built
from pycache_action.buildx.provenance import Copy, ImageSource, LocalSource, Provenance, Run, Step, parse_metadata
from pycache_action.buildx.trace import Trace, TraceRecorder
from pycache_action.cache.manifest import CopiedFile, InstallRecord
from pycache_action.copied_files import CopiedFiles
from pycache_action.inputs import Inputs
from pycache_action.project import Project, read_project
from pycache_action.record import record_installs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def read_built(name: str) -> Built:
    """The recorded build of a session that begins with a look-up."""
    call = read_session(name)[1]
    recorder = TraceRecorder()
    for line in call.stderr.splitlines():
        recorder.feed(line)
    metadata = parse_metadata(call.files["{temp}/metadata.json"].decode())
    return Built(exit_code=0, trace=recorder.trace(), metadata=metadata, seconds=call.seconds)


def read_shop(root: Path, shop: Shop) -> Project:
    shop.write(root)
    return read_project(Inputs.from_values({"context": str(root)}), root)


def record(project: Project, built: Built, salt: str = "salt") -> tuple[InstallRecord, ...]:
    provenance = built.metadata.provenance
    files = CopiedFiles(project.context)
    return record_installs(project.dockerfile, project.installs, provenance, built.trace, files, salt)


def test_record_installs__a_recorded_build(tmp_path: Path) -> None:
    (install,) = record(read_shop(tmp_path, Shop()), read_built("pip-cold"))
    assert [(entry.line, entry.instruction.split()[0]) for entry in install.path] == [
        (1, "FROM"),
        (2, "ENV"),
        (3, "WORKDIR"),
        (4, "COPY"),
        (5, "RUN"),
    ]
    assert install.path[0].image == "docker.io/library/python:3.11-slim"
    assert install.path[0].image_digest.startswith("sha256:")
    assert [file.path for file in install.path[3].files] == ["requirements.txt"]
    assert all(file.path.startswith("wheels/") for file in install.path[4].files)
    assert len(install.path[4].files) == 4
    assert (install.line, install.packages, install.platform) == (5, 3, "linux/amd64")
    assert install.seconds > 0


def test_record_installs__values_of_variables_are_not_written_down(tmp_path: Path) -> None:
    project, built = read_shop(tmp_path, Shop()), read_built("pip-cold")
    (one,), (two,) = record(project, built, "one"), record(project, built, "two")
    environment = dict(one.path[-1].environment)
    assert "ignore" not in environment.values()
    assert environment.keys() == dict(two.path[-1].environment).keys()
    assert environment != dict(two.path[-1].environment)


def test_record_installs__only_the_own_stage_and_what_it_stands_on(tmp_path: Path) -> None:
    (install,) = record(read_shop(tmp_path, Shop(dockerfile=VENV)), read_built("venv-cold"))
    assert install.stage == "builder"
    assert [entry.line for entry in install.path] == [1, 2, 3, 4, 5]


def test_record_installs__without_provenance_there_is_nothing(tmp_path: Path) -> None:
    project = read_shop(tmp_path, Shop())
    built = Built(exit_code=1, trace=Trace(), metadata=parse_metadata(""), seconds=1.0)
    assert record(project, built) == ()


class Files:
    def __init__(self, *files: CopiedFile) -> None:
        self._files = files

    def describe(self, source: str) -> Iterable[CopiedFile]:
        return self._files


BASE = Step(
    id="a", vertex="va", operation=ImageSource(reference="p", digest="d"), inputs=(), lines=(1,), platform="linux/amd64"
)
CONTEXT = Step(id="c", vertex="vc", operation=LocalSource(name="context"), inputs=(), lines=(), platform="linux/amd64")
COPY = Step(id="b", vertex="vb", operation=Copy(sources=("/",)), inputs=("a", "c"), lines=(4,), platform="linux/amd64")
RUN = Step(
    id="r",
    vertex="vr",
    operation=Run(arguments=("x",), working_directory="/", environment=(), user="", mounts=()),
    inputs=("b",),
    lines=(5,),
    platform="linux/amd64",
)


@pytest.mark.parametrize("path", ["a\udcffb", "a\nb", "a\0b", "ä" * 5000])
def test_record_installs__any_file_name(tmp_path: Path, path: str) -> None:
    project = read_shop(tmp_path, Shop())
    file = CopiedFile(path=path, digest="11", mode="0644")
    (install,) = record_installs(
        project.dockerfile, project.installs, Provenance((BASE, CONTEXT, COPY, RUN)), Trace(), Files(file), "salt"
    )
    assert [entry.files for entry in install.path if entry.files] == [(file,)]
    assert install.seconds == 0.0


def test_record_installs__a_list_of_files_has_an_end_and_their_digest_none(tmp_path: Path) -> None:
    project = read_shop(tmp_path, Shop())
    many = [CopiedFile(path=f"{number:05}", digest="11", mode="0644") for number in range(3000)]
    other = [*many[:-1], CopiedFile(path="last", digest="11", mode="0644")]
    entries = []
    for files in (many, other):
        (install,) = record_installs(
            project.dockerfile, project.installs, Provenance((BASE, CONTEXT, COPY, RUN)), Trace(), Files(*files), "s"
        )
        entries.append(next(entry for entry in install.path if entry.files))
    assert entries[0].files == entries[1].files
    assert len(entries[0].files) == 1000
    assert entries[0].files_digest != entries[1].files_digest
