"""The first difference on an install step's path is what is told, with the place that caused it."""

from __future__ import annotations

import time
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.recordings.written import path_of

from pycache_action.cache.backend import Unavailable
from pycache_action.cache.manifest import InstallRecord, Manifest, PathEntry, SavedKey
from pycache_action.cache.store import Absent
from pycache_action.causes import Cause, CauseId, Circumstances
from pycache_action.dependencies.model import DependencySet
from pycache_action.diagnose import Disabled, diagnose, find_counterpart

BASE = "docker.io/library/python:3.11-slim"
BEFORE = f"""
1 FROM python:3.11-slim  @ {BASE} sha256:aaaaaaaaaaaaaaaa
2 ARG INDEX
3 WORKDIR /app
4 COPY requirements.txt pyproject.toml .  < requirements.txt:0644:11 pyproject.toml:0644:22
5 RUN pip install -r requirements.txt  $ INDEX=77 PATH=88
"""
CIRCUMSTANCES = Circumstances(
    difference=None,
    dependency_files=frozenset({"requirements.txt"}),
    dockerfile="shop/Dockerfile",
    name=lambda path: f"shop/{path}",
    branches=("feature", "main"),
    backend="registry registry.test/cache",
    age=3 * 86_400.0,
)


def record_of(path: tuple[PathEntry, ...], *, stage: str = "stage-0", platform: str = "linux/amd64") -> InstallRecord:
    return InstallRecord(
        instruction=path[-1].instruction if path else "RUN",
        stage=stage,
        platform=platform,
        seconds=1.0,
        packages=3,
        path=path,
    )


def manifest_of(*records: InstallRecord) -> Manifest:
    return Manifest(
        scope="shop",
        branch="main",
        key="shop-1",
        salt="salt",
        keys=(SavedKey(key="shop-1", saved_at=1.0),),
        dependencies=DependencySet(files=()),
        installs=records,
    )


def explain(after: str, before: str = BEFORE) -> tuple[Cause, ...]:
    return diagnose(record_of(path_of(after)), manifest_of(record_of(path_of(before))), CIRCUMSTANCES)


def explain_one(after: str, before: str = BEFORE) -> Cause:
    (cause,) = explain(after, before)
    return cause


def test_diagnose__nothing_saved_yet() -> None:
    (cause,) = diagnose(record_of(path_of(BEFORE)), Absent(), CIRCUMSTANCES)
    assert cause.id == CauseId.NO_PREVIOUS_BUILD
    assert "feature, main" in cause.message


def test_diagnose__cache_that_could_not_be_read() -> None:
    (cause,) = diagnose(record_of(path_of(BEFORE)), Unavailable("401 Unauthorized"), CIRCUMSTANCES)
    assert cause.id == CauseId.CACHE_UNREADABLE
    assert "401 Unauthorized" in cause.message
    assert cause.fix


def test_diagnose__cache_that_was_not_to_be_read() -> None:
    (cause,) = diagnose(record_of(path_of(BEFORE)), Disabled("no-cache: true"), CIRCUMSTANCES)
    assert cause.id == CauseId.CACHE_DISABLED
    assert "no-cache: true" in cause.message


def test_diagnose__nothing_changed() -> None:
    cause = explain_one(BEFORE)
    assert cause.id == CauseId.CACHE_EVICTED
    assert "3 days" in cause.message
    assert cause.evidence["key"] == "shop-1"


def test_diagnose__the_tag_moved() -> None:
    cause = explain_one(BEFORE.replace("sha256:aaaaaaaaaaaaaaaa", "sha256:bbbbbbbbbbbbbbbb"))
    assert (cause.id, cause.file, cause.line) == (CauseId.BASE_IMAGE_CHANGED, "shop/Dockerfile", 1)
    assert "from aaaaaaaaaaaa to bbbbbbbbbbbb" in cause.message
    assert "@sha256:bbbbbbbbbbbbbbbb" in cause.fix


def test_diagnose__another_base_image() -> None:
    cause = explain_one(BEFORE.replace("python:3.11-slim", "python:3.12-slim").replace("sha256:aaaa", "sha256:bbbb"))
    assert cause.id == CauseId.BASE_IMAGE_CHANGED
    assert "python:3.12-slim now; it was docker.io/library/python:3.11-slim" in cause.message


def test_diagnose__a_stage_by_another_name_is_the_same_stage() -> None:
    after = BEFORE.replace("FROM python:3.11-slim ", "FROM python:3.11-slim AS app ").replace(
        "WORKDIR /app", "WORKDIR /x"
    )
    assert explain_one(after).id == CauseId.INSTRUCTION_CHANGED


def test_diagnose__an_instruction_was_edited() -> None:
    cause = explain_one(BEFORE.replace("WORKDIR /app", "WORKDIR /srv"))
    assert (cause.id, cause.line) == (CauseId.INSTRUCTION_CHANGED, 3)
    assert cause.message == "WORKDIR was edited: it was `WORKDIR /app`."


def test_diagnose__an_instruction_was_added() -> None:
    cause = explain_one(BEFORE.replace("3 WORKDIR", "2 RUN apt-get update\n3 WORKDIR"))
    assert cause.message == "An instruction was added before the install: `RUN apt-get update`."


def test_diagnose__an_instruction_was_removed() -> None:
    cause = explain_one(BEFORE.replace("3 WORKDIR /app\n", ""))
    assert cause.message == "An instruction before the install was removed: `WORKDIR /app`."


def test_diagnose__instructions_changed_places() -> None:
    cause = explain_one(BEFORE.replace("2 ARG INDEX\n3 WORKDIR /app", "2 WORKDIR /app\n3 ARG INDEX"))
    assert cause.message == "The order of instructions changed: `WORKDIR /app` stands where `ARG INDEX` stood."


def test_diagnose__the_install_itself_was_edited() -> None:
    cause = explain_one(BEFORE.replace("RUN pip install", "RUN pip install --upgrade"))
    assert (cause.id, cause.line) == (CauseId.INSTRUCTION_CHANGED, 5)


def test_diagnose__lines_that_only_moved_are_no_change() -> None:
    moved = "\n".join(f"{int(line[0]) + 3}{line[1:]}" for line in BEFORE.strip().splitlines())
    assert explain_one(moved).id == CauseId.CACHE_EVICTED


def test_diagnose__dependency_file_rewritten() -> None:
    cause = explain_one(BEFORE.replace("requirements.txt:0644:11", "requirements.txt:0644:99"))
    assert (cause.id, cause.file) == (CauseId.DEPENDENCY_FILE_REWRITTEN, "shop/requirements.txt")


def test_diagnose__copied_files_changed() -> None:
    cause = explain_one(BEFORE.replace("pyproject.toml:0644:22", "pyproject.toml:0644:99"))
    assert (cause.id, cause.file, cause.line) == (CauseId.COPIED_FILES_CHANGED, "shop/Dockerfile", 4)
    assert cause.evidence == {"files": ["pyproject.toml"]}
    assert cause.fix


def test_diagnose__many_copied_files_are_counted() -> None:
    before = "1 COPY . .  < " + " ".join(f"f{n}:0644:1" for n in range(40)) + "\n2 RUN pip install x"
    cause = explain_one(before.replace(":0644:1", ":0644:2"), before)
    assert "35 more" in cause.message
    assert len(cause.message) < 200


def test_diagnose__two_causes_in_one_instruction() -> None:
    causes = explain(BEFORE.replace(":0644:11", ":0644:99").replace(":0644:22", ":0644:98"))
    assert [cause.id for cause in causes] == [CauseId.DEPENDENCY_FILE_REWRITTEN, CauseId.COPIED_FILES_CHANGED]


def test_diagnose__only_the_mode_changed() -> None:
    cause = explain_one(BEFORE.replace("requirements.txt:0644", "requirements.txt:0664"))
    assert cause.id == CauseId.FILE_METADATA_CHANGED
    assert "from 0644 to 0664" in cause.message


def test_diagnose__files_beyond_the_list_changed() -> None:
    old, new = path_of(BEFORE), path_of(BEFORE)
    new = (*new[:3], replace(new[3], files_digest="other"), new[4])
    (cause,) = diagnose(record_of(new), manifest_of(record_of(old)), CIRCUMSTANCES)
    assert cause.id == CauseId.COPIED_FILES_CHANGED
    assert cause.message.startswith("A file changed")


def test_diagnose__build_arg_changed_names_it_and_its_line() -> None:
    cause = explain_one(BEFORE.replace("INDEX=77", "INDEX=78"))
    assert (cause.id, cause.line) == (CauseId.BUILD_ARG_CHANGED, 2)
    assert cause.evidence == {"names": ["INDEX"]}
    assert "78" not in cause.message + cause.fix


def test_diagnose__the_first_difference_wins() -> None:
    after = BEFORE.replace("WORKDIR /app", "WORKDIR /x").replace("INDEX=77", "INDEX=78").replace(":0644:11", ":0644:9")
    assert explain_one(after).line == 3


def test_diagnose__another_platform() -> None:
    record = record_of(path_of(BEFORE), platform="linux/arm64")
    (cause,) = diagnose(record, manifest_of(record_of(path_of(BEFORE))), CIRCUMSTANCES)
    assert cause.id == CauseId.PLATFORM_CHANGED
    assert "linux/arm64" in cause.message
    assert "only for linux/amd64" in cause.message


def test_diagnose__a_manifest_of_a_build_without_installs() -> None:
    (cause,) = diagnose(record_of(path_of(BEFORE)), manifest_of(), CIRCUMSTANCES)
    assert cause.id == CauseId.INSTRUCTION_CHANGED


def test_find_counterpart__by_text_then_stage_then_any() -> None:
    one = record_of(path_of("1 RUN pip install a"), stage="api")
    two = record_of(path_of("1 RUN pip install b"), stage="worker")
    manifest = manifest_of(one, two)
    assert find_counterpart(two, manifest) == two
    assert find_counterpart(record_of(path_of("1 RUN pip install c"), stage="worker"), manifest) == two
    assert find_counterpart(record_of(path_of("1 RUN pip install c"), stage="new"), manifest) == one
    assert find_counterpart(record_of(path_of("1 RUN x"), platform="linux/s390x"), manifest) is None


ENTRIES = st.builds(
    PathEntry,
    line=st.integers(0, 9),
    stage=st.just("s"),
    instruction=st.sampled_from(["FROM a", "RUN b", "COPY c .", "ARG D"]),
    image=st.sampled_from(["", "a", "b"]),
    image_digest=st.sampled_from(["", "1", "2"]),
    environment=st.sampled_from([(), (("D", "1"),), (("D", "2"),)]),
    files_digest=st.sampled_from(["", "x", "y"]),
)


@given(st.lists(ENTRIES, max_size=4), st.lists(ENTRIES, min_size=1, max_size=4))
def test_diagnose__there_is_always_a_cause(before: list[PathEntry], after: list[PathEntry]) -> None:
    """Whatever somebody wrote into the manifest."""
    causes = diagnose(record_of(tuple(after)), manifest_of(record_of(tuple(before))), CIRCUMSTANCES)
    assert causes
    assert all(cause.message.endswith(".") for cause in causes)


def test_diagnose__a_path_of_500_instructions_at_once() -> None:
    before = "1 FROM x\n" + "\n".join(f"{n} RUN step-{n}  < a{n}:0644:1" for n in range(2, 500)) + "\n500 RUN pip"
    record, manifest = record_of(path_of(before)), manifest_of(record_of(path_of(before)))
    began = time.perf_counter()
    diagnose(record, manifest, CIRCUMSTANCES)
    assert time.perf_counter() - began < 0.3
