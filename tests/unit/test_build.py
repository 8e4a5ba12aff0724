"""Whatever a cache does, the result is that of a build without it; and what is the user's own is told at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.recordings.projects import PIP, PROXY, REGISTRY, SOURCE_LAST, STATIC, Quiet, Shop, build_shop, make_buildx
from tests.recordings.scripted import Asked, Say, Scripted, failed_vertex
from tests.recordings.session import replay

from pycache_action.build import Built, build_image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pycache_action.buildx.command import BuildCommand
    from pycache_action.process import Processes

IMPORT = f"type=registry,ref={PROXY}/cache:layers"
NO_SUCH_CACHE = f"type=registry,ref={REGISTRY}/cache:none"


def build(processes: Processes, shop: Shop, *imports: str, log: Quiet | None = None) -> Built:
    def command(caches: Sequence[str], file: Path) -> BuildCommand:
        return build_shop(shop, caches, file)

    return build_image(make_buildx(processes), command, imports, log or Quiet())


def play(name: str, shop: Shop, *imports: str) -> Built:
    session = replay(name)
    built = build(session, shop, *imports)
    assert session.calls == []
    return built


def script(answer: Callable[[Asked], Say], *imports: str) -> tuple[Built, Scripted]:
    processes = Scripted(answer)
    return build(processes, Shop(), *imports), processes


@pytest.mark.parametrize(
    ("name", "shop", "words"),
    [
        ("failing-step", Shop(requirements="alpha==99\n"), "exit code: 1"),
        ("missing-file", Shop(dockerfile=PIP.replace("COPY app.py", "COPY no-such-file.py")), "no-such-file.py"),
        ("no-such-base", Shop(dockerfile=PIP.replace("python:3.11-slim", "python:0.0-none")), "python:0.0-none"),
        ("parse-error", Shop(dockerfile="FROM scratch\nCOPPY a b\n"), "unknown instruction: COPPY"),
        ("no-such-target", Shop(inputs={"target": "nowhere"}), "nowhere"),
    ],
)
def test_build_image__the_users_own_failure_is_not_tried_twice(name: str, shop: Shop, words: str) -> None:
    built = play(name, shop, NO_SUCH_CACHE)
    assert not built.ok
    assert built.exit_code == 1
    assert built.cache_fault == ""
    assert words in built.trace.messages[-1]


@pytest.mark.parametrize("name", ["import-cut", "import-unauthorised", "import-refused", "import-server-error"])
def test_build_image__buildkit_gets_over_it_itself(name: str) -> None:
    built = play(name, Shop(dockerfile=SOURCE_LAST), IMPORT)
    assert built.ok
    assert built.cache_fault == ""


def test_build_image__a_silent_registry_is_given_up() -> None:
    built = play("import-silent", Shop(dockerfile=SOURCE_LAST), IMPORT)
    assert built.ok
    assert built.cache_fault == "the cache's index did not come within 10 s"


def test_build_image__a_layer_that_the_registry_lost_is_the_caches_fault() -> None:
    built = play("import-layer-lost", Shop(dockerfile=SOURCE_LAST), f"type=registry,ref={REGISTRY}/cache:layers")
    assert built.ok
    assert "from remote: not found" in built.cache_fault


def test_build_image__two_platforms() -> None:
    built = play("two-platforms", Shop(dockerfile=STATIC, inputs={"platforms": "linux/amd64,linux/arm64"}))
    assert built.ok
    assert built.metadata.digest.startswith("sha256:")


def test_build_image__progress_is_shown() -> None:
    log = Quiet()
    build(replay("two-platforms"), Shop(inputs={"platforms": "linux/amd64,linux/arm64"}), log=log)
    assert log.traces[-1].vertices


@pytest.mark.parametrize(
    "error",
    [
        "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:aa from remote: not found",
        "failed to copy: short read: expected 402928 bytes but got 100000: unexpected EOF",
        "failed commit on ref: unexpected commit digest sha256:aa, expected sha256:bb: failed precondition",
        "error writing layer blob: connection reset by peer",
        "failed to extract layer: no space left on device",
    ],
)
def test_build_image__what_could_be_the_caches_fault_is_tried_without_it(error: str) -> None:
    def answer(asked: Asked) -> Say:
        imported = "--cache-from" in asked.arguments
        return Say(exit_code=1, stderr=[failed_vertex("[2/3] COPY . .", error)]) if imported else Say()

    built, processes = script(answer, IMPORT)
    assert built.ok
    assert built.cache_fault == error
    assert ["--cache-from" in asked.arguments for asked in processes.asked] == [True, False]


def test_build_image__fails_without_the_cache_too() -> None:
    built, processes = script(lambda _: Say(exit_code=17, stderr=["ERROR: failed to build: no space left"]), IMPORT)
    assert built.exit_code == 17
    assert built.cache_fault
    assert len(processes.asked) == 2


def test_build_image__without_imports_nothing_is_tried_twice() -> None:
    built, processes = script(lambda _: Say(exit_code=1, stderr=["ERROR: failed to copy: EOF"]))
    assert (built.exit_code, built.cache_fault, len(processes.asked)) == (1, "", 1)


def test_build_image__ended_without_a_word() -> None:
    built, _ = script(lambda asked: Say(exit_code=1) if "--cache-from" in asked.arguments else Say(), IMPORT)
    assert built.ok
    assert built.cache_fault == "the build ended without a word"


def test_build_image__an_import_that_failed_is_not_what_failed_the_build() -> None:
    """Both are in the trace; the step is what counts."""
    said = [
        failed_vertex("importing cache manifest from x", "401 Unauthorized"),
        failed_vertex("[2/2] RUN pip", 'process "/bin/sh -c pip" did not complete successfully: exit code: 2'),
    ]
    built, processes = script(lambda _: Say(exit_code=1, stderr=said), IMPORT)
    assert built.cache_fault == ""
    assert len(processes.asked) == 1


@pytest.mark.parametrize("metadata", [None, "", "{", "[]", "null", "[" * 100])
def test_build_image__metadata_that_cannot_be_read(metadata: str | None) -> None:
    def answer(asked: Asked) -> Say:
        if metadata is not None:
            Path(asked.value("--metadata-file")).write_text(metadata)
        return Say()

    built, _ = script(answer)
    assert built.ok
    assert built.metadata.digest == ""
    assert built.metadata.provenance.steps == ()


def test_build_image__what_call_answers_is_kept() -> None:
    built, _ = script(lambda _: Say(stdout='{"warnings":[]}'))
    assert built.stdout == '{"warnings":[]}'
