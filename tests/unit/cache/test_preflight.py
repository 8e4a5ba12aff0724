"""A server that takes connections and answers nothing is found before any builder is sent to it; nothing else is."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.http_server import Answer, HttpServer

from pycache_action.cache import preflight
from pycache_action.cache.backend import Bucket, Gha, Local, Registry, Unavailable
from pycache_action.cache.preflight import find_silence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.cache.backend import Backend

pytestmark = pytest.mark.loopback


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(preflight, "ANSWER_SECONDS", 0.3)


@contextmanager
def silent_server() -> Iterator[str]:
    """Its connections wait in the queue for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def backends_at(address: str) -> list[Backend]:
    return [
        Registry(f"{address}/cache"),
        Gha(2, url=f"http://{address}/results/"),
        Bucket("s3", (("endpoint_url", f"http://{address}"),)),
        Bucket("azblob", (("account_url", f"http://{address}"),)),
    ]


def test_find_silence__a_server_that_is_silent() -> None:
    with silent_server() as address:
        for backend in backends_at(address):
            began = time.monotonic()
            silence = find_silence(backend, {})
            assert isinstance(silence, Unavailable)
            assert not silence.left_waiting
            assert "does not answer" in silence.reason
            assert time.monotonic() - began < 2


@pytest.mark.parametrize("status", [200, 401, 403, 404, 429, 500, 503])
def test_find_silence__any_answer_is_a_sign_of_life(status: int) -> None:
    with HttpServer(lambda _: Answer(status=status)) as server:
        for backend in backends_at(f"127.0.0.1:{server.port}"):
            assert find_silence(backend, {}) is None


def test_find_silence__nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert find_silence(Registry(f"127.0.0.1:{port}/cache"), {}) is None


@pytest.mark.parametrize("backend", [Local(Path("/cache")), Gha(), Bucket("s3", (("bucket", "b"),))])
def test_find_silence__there_is_no_server_to_ask(backend: Backend) -> None:
    assert find_silence(backend, {}) is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
def test_find_silence__behind_a_proxy_nothing_is_asked(name: str) -> None:
    with silent_server() as address:
        assert find_silence(Registry(f"{address}/cache"), {name: "http://proxy.test"}) is None


@pytest.mark.parametrize("ref", ["127.0.0.1:99999/x", "127.0.0.1:/x", "[::1]:0/x"])
def test_find_silence__addresses_that_are_none(ref: str) -> None:
    assert find_silence(Registry(ref), {}) is None
