"""Documents come back as they were put; whatever is wrong with one is a fault of the cache, not of the run."""

from __future__ import annotations

import secrets
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.recordings.scripted import Asked, Say, Scripted, failed_vertex

from pycache_action.buildx.client import Buildx
from pycache_action.cache.backend import Local, Registry, Unavailable
from pycache_action.cache.store import (
    FETCH_SECONDS,
    HELPER_IMAGE,
    LARGEST_TEXT,
    PUT_SECONDS,
    Absent,
    NoHelper,
    Store,
    find_helper,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycache_action.cache.backend import Backend

REGISTRY = Registry("registry.test/cache")
IMPORT = "importing cache manifest from registry.test/cache:doc"
RAN = failed_vertex("[document 1/1] RUN", 'process "/busybox cp" did not complete successfully: exit code: 1')


def store_of(answer: Callable[[Asked], Say], backend: Backend = REGISTRY) -> Store:
    buildx = Buildx(program=("docker", "buildx"), processes=Scripted(answer), environment={}, builder="b")
    return Store(buildx=buildx, helper="docker-image://busybox", backend=backend)


def asked_of(store: Store) -> list[Asked]:
    assert isinstance(store.buildx.processes, Scripted)
    return store.buildx.processes.asked


def document_name(asked: Asked) -> str:
    """The file that the Dockerfile on standard input makes."""
    assert asked.standard_input is not None
    return asked.standard_input.decode().split("> /", 1)[1].split('"', 1)[0]


def serving(content: bytes) -> Callable[[Asked], Say]:
    def answer(asked: Asked) -> Say:
        (asked.destination / document_name(asked)).write_bytes(content)
        return Say()

    return answer


class Kept:
    """A backend that keeps what is put."""

    def __init__(self) -> None:
        self.content = b""

    def __call__(self, asked: Asked) -> Say:
        if "--cache-to" in asked.arguments:
            values = [
                value for flag, value in zip(asked.arguments, asked.arguments[1:], strict=False) if flag == "--secret"
            ]
            self.content = b"".join(Path(value.split("src=", 1)[1]).read_bytes() for value in values)
            return Say()
        return serving(self.content)(asked)


@pytest.mark.parametrize("text", ["", "{}", "ä€\U0001f40d" * 1000, "x" * 3_000_000])
def test_documents__come_back(text: str) -> None:
    store = store_of(Kept())
    assert store.put_document("doc", text) is None
    assert store.fetch_document("doc") == text


def test_documents__larger_than_a_secret() -> None:
    text = secrets.token_hex(900_000)
    store = store_of(Kept())
    assert store.put_document("doc", text) is None
    assert store.fetch_document("doc") == text


def test_put__too_large_is_refused_before_anything_is_run() -> None:
    store = store_of(lambda _: Say())
    answer = store.put_document("doc", secrets.token_hex(5_000_000))
    assert isinstance(answer, Unavailable)
    assert "larger than" in answer.reason
    assert asked_of(store) == []


def test_put__content_stands_in_no_argument() -> None:
    store = store_of(Kept())
    store.put_document("doc", "confidential")
    assert "confidential" not in str(asked_of(store)[0].arguments)


def test_documents__have_deadlines() -> None:
    store = store_of(Kept())
    store.put_document("doc", "x")
    store.fetch_document("doc")
    assert [asked.deadline for asked in asked_of(store)] == [PUT_SECONDS, FETCH_SECONDS]


def test_fetch__from_the_builder_alone() -> None:
    store = store_of(serving(zlib.compress(b"x")))
    store.fetch_document("doc", imported=False)
    store.fetch_document("doc")
    assert [asked.value("--cache-from") for asked in asked_of(store)] == [
        "",
        "type=registry,ref=registry.test/cache:doc",
    ]


def test_fetch__two_backends_have_two_documents() -> None:
    """The builder's own store would answer for either, were they one."""
    one, two = store_of(serving(b""), Local(Path("/a"))), store_of(serving(b""), Local(Path("/b")))
    one.fetch_document("doc")
    two.fetch_document("doc")
    assert document_name(asked_of(one)[0]) != document_name(asked_of(two)[0])


def test_fetch__absent() -> None:
    """Without the document, its stage runs, and fails for want of the secret."""
    not_there = failed_vertex(IMPORT, "failed to configure registry cache importer: registry.test/cache:doc: not found")
    assert store_of(lambda _: Say(exit_code=1, stderr=[not_there, RAN])).fetch_document("doc") == Absent()


@pytest.mark.parametrize(
    "error",
    [
        "failed to configure registry cache importer: unexpected status from HEAD request: 401 Unauthorized",
        "failed to configure registry cache importer: unexpected status: 429 Too Many Requests",
        'Get "https://registry.test/v2/": dial tcp 127.0.0.1:5998: connect: connection refused',
        "unexpected EOF",
    ],
)
@pytest.mark.parametrize("exit_code", [0, 1])
def test_fetch__cache_that_fails(error: str, exit_code: int) -> None:
    answer = store_of(lambda _: Say(exit_code=exit_code, stderr=[failed_vertex(IMPORT, error), RAN])).fetch_document(
        "d"
    )
    assert answer == Unavailable(error)


def test_fetch__no_answer() -> None:
    """A builder that was sent to the cache may wait for it still; one that was asked for its own store does not."""
    store = store_of(lambda _: Say(exit_code=-15, stopped="no answer within its deadline"))
    assert store.fetch_document("doc") == Unavailable("it did not answer within 10 s", left_waiting=True)
    assert store.fetch_document("doc", imported=False) == Unavailable("it did not answer within 10 s")


def test_fetch__no_helper_image() -> None:
    answer = store_of(lambda _: Say(exit_code=1, stderr=["ERROR: busybox: not found"])).fetch_document("doc")
    assert answer == NoHelper("ERROR: busybox: not found")


@pytest.mark.parametrize(
    "content",
    [b"", b"not packed", zlib.compress(b"{}")[:-1], zlib.compress(b"\xff\xfe\xfa")],
)
def test_fetch__damaged(content: bytes) -> None:
    answer = store_of(serving(content)).fetch_document("doc")
    assert answer == Unavailable("its manifest is damaged")


def test_fetch__a_small_document_that_unpacks_to_a_huge_one() -> None:
    bomb = zlib.compress(b"0" * (LARGEST_TEXT + 1), 9)
    assert len(bomb) < 50_000
    assert store_of(serving(bomb)).fetch_document("doc") == Unavailable("its manifest is damaged")


def _leave_nothing(_: Path) -> None:
    pass


def _leave_a_folder(file: Path) -> None:
    file.mkdir()


def _leave_a_broken_link(file: Path) -> None:
    file.symlink_to("/no/such/file")


@pytest.mark.parametrize("leave", [_leave_nothing, _leave_a_folder, _leave_a_broken_link])
def test_fetch__a_forged_layer(leave: Callable[[Path], None]) -> None:
    def answer(asked: Asked) -> Say:
        leave(asked.destination / document_name(asked))
        return Say()

    assert isinstance(store_of(answer).fetch_document("doc"), Unavailable)


def test_fetch__a_forged_layer_does_not_read_this_machines_files(tmp_path: Path) -> None:
    (tmp_path / "private").write_bytes(zlib.compress(b"{}"))

    def answer(asked: Asked) -> Say:
        (asked.destination / document_name(asked)).symlink_to(tmp_path / "private")
        return Say()

    assert isinstance(store_of(answer).fetch_document("doc"), Unavailable)


def test_put__export_that_failed_though_the_build_passed() -> None:
    error = "failed to push: 403 Forbidden"
    answer = store_of(lambda _: Say(stderr=[failed_vertex("exporting cache to registry", error)])).put_document(
        "d", "x"
    )
    assert answer == Unavailable(error)


def test_put__build_that_failed() -> None:
    answer = store_of(lambda _: Say(exit_code=1, stderr=["ERROR: no space left on device"])).put_document("d", "x")
    assert answer == Unavailable("ERROR: no space left on device")


def test_put__failed_without_a_word() -> None:
    assert store_of(lambda _: Say(exit_code=1)).put_document("d", "x") == Unavailable("no words")


def test_put__no_answer() -> None:
    answer = store_of(lambda _: Say(exit_code=-15, stopped="deadline")).put_document("d", "x")
    assert answer == Unavailable("saving to it took longer than 15 s")


def test_find_helper() -> None:
    assert find_helper({}) == f"docker-image://{HELPER_IMAGE}"
    assert find_helper({"PYCACHE_HELPER": "/helper"}) == "/helper"
