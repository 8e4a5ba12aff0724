from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests
from tests.support.faults import AfterBytes, AfterRequests, Cut, Dead, Mode, Pass, Silent, Slow, Status
from tests.support.faulty import FaultyProxy
from tests.support.http_server import Answer, HttpServer, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOB = bytes(range(256)) * 4096  # 1 MiB


def answer(request: Request) -> Answer:
    match request.path:
        case "/blob":
            return Answer(body=BLOB)
        case "/location":
            return Answer(status=307, headers={"Location": f"http://{request.headers['Host']}/blob"})
        case _:
            return Answer(body=f"{request} {len(request.body)}".encode())


@pytest.fixture
def upstream() -> Iterator[HttpServer]:
    with HttpServer(answer) as server:
        yield server


@pytest.fixture
def proxy(upstream: HttpServer) -> Iterator[FaultyProxy]:
    with FaultyProxy(f"127.0.0.1:{upstream.port}") as proxy:
        yield proxy


def get(proxy: FaultyProxy, path: str = "/", timeout: float = 5) -> requests.Response:
    return requests.get(proxy.url + path, timeout=timeout)


def get_nothing(proxy: FaultyProxy) -> None:
    with pytest.raises(requests.ConnectionError):
        get(proxy)


def test_pass__request_and_answer_are_unchanged(proxy: FaultyProxy) -> None:
    assert get(proxy, "/a%20b?x=1").text == "GET /a%20b?x=1 0"
    assert get(proxy, "/blob").content == BLOB
    assert requests.put(proxy.url, data=BLOB, timeout=5).text == f"PUT / {len(BLOB)}"
    assert requests.put(proxy.url, data=iter([BLOB, b"x"]), timeout=5).text == f"PUT / {len(BLOB) + 1}"
    assert [passage.status for passage in proxy.log] == [200] * 4


def test_pass__redirects_lead_through_the_proxy(proxy: FaultyProxy) -> None:
    assert get(proxy, "/location").url == f"{proxy.url}/blob"


def test_pass__head_then_get_on_one_connection(proxy: FaultyProxy) -> None:
    with requests.Session() as session:
        assert session.head(f"{proxy.url}/blob", timeout=5).headers["Content-Length"] == str(len(BLOB))
        assert session.get(f"{proxy.url}/blob", timeout=5).content == BLOB


def test_pass__upstream_is_gone() -> None:
    with FaultyProxy("127.0.0.1:9") as proxy:
        assert get(proxy).status_code == 502


def test_dead__refuses_and_comes_back(proxy: FaultyProxy) -> None:
    with requests.Session() as session:
        session.get(proxy.url, timeout=5)
        proxy.mode = Dead()
        with pytest.raises(requests.ConnectionError):
            session.get(proxy.url, timeout=5)
        with pytest.raises(requests.ConnectionError, match="refused"):
            get(proxy)
        proxy.mode = Pass()
        assert session.get(proxy.url, timeout=5).ok


def test_dead__from_the_start(upstream: HttpServer) -> None:
    with (
        FaultyProxy(f"127.0.0.1:{upstream.port}", mode=Dead()) as proxy,
        pytest.raises(requests.ConnectionError, match="refused"),
    ):
        get(proxy)


def test_silent__never_answers_and_closes_at_once(upstream: HttpServer) -> None:
    with FaultyProxy(f"127.0.0.1:{upstream.port}", mode=Silent()) as proxy:
        with pytest.raises(requests.ReadTimeout):
            get(proxy, timeout=0.2)
        waiting = threading.Thread(target=get_nothing, args=(proxy,))
        waiting.start()
        while len(proxy.log) < 2:
            time.sleep(0.01)
        began = time.monotonic()
    waiting.join()
    assert time.monotonic() - began < 1
    assert upstream.requests == []
    assert [passage.status for passage in proxy.log] == [None, None]


def test_silent__goes_on_when_the_mode_changes(proxy: FaultyProxy) -> None:
    proxy.switch(AfterBytes(1000), to=Silent())
    threading.Timer(0.2, lambda: setattr(proxy, "mode", Pass())).start()
    assert get(proxy, "/blob").content == BLOB


def test_slow__both_directions(proxy: FaultyProxy) -> None:
    proxy.mode = Slow(10_000)
    began = time.monotonic()
    requests.put(proxy.url, data=bytes(5_000), timeout=5)
    assert 0.4 < time.monotonic() - began < 2


@pytest.mark.parametrize("code", [401, 403, 429, 500])
def test_status__in_place_of_the_upstream(proxy: FaultyProxy, upstream: HttpServer, code: int) -> None:
    proxy.mode = Status(code, headers={"Retry-After": "1"})
    with requests.Session() as session:
        refused = session.put(proxy.url, data=BLOB, timeout=5)
        assert (refused.status_code, refused.headers["Retry-After"]) == (code, "1")
        proxy.mode = Pass()
        assert session.get(proxy.url, timeout=5).ok
    assert len(upstream.requests) == 1


def test_cut__in_the_middle_of_a_body(proxy: FaultyProxy) -> None:
    proxy.mode = Cut(1000)
    assert get(proxy).ok  # shorter than that
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(proxy, "/blob")
    assert proxy.log[-1].bytes_down == 1000


def test_cut__in_the_middle_of_an_upload(proxy: FaultyProxy, upstream: HttpServer) -> None:
    proxy.mode = Cut(1000)
    with pytest.raises(requests.ConnectionError):
        requests.put(proxy.url, data=BLOB, timeout=5)
    assert proxy.log[-1].bytes_up == 1000
    assert upstream.requests == []


def test_switch__after_requests_that_match(proxy: FaultyProxy) -> None:
    proxy.switch(AfterRequests(1, matching=r"^GET /v2/"), to=Status(500))
    codes = [get(proxy, path).status_code for path in ("/other", "/v2/a", "/other", "/v2/b", "/other")]
    assert codes == [200, 200, 200, 500, 500]


def test_switch__one_fault_then_well_again(proxy: FaultyProxy) -> None:
    proxy.mode = Status(502)
    proxy.switch(AfterRequests(1), to=Pass())
    assert [get(proxy).status_code for _ in range(3)] == [502, 200, 200]


@pytest.mark.parametrize("mode", [Dead(), Cut(0), Silent()])
def test_switch__after_bytes_is_exact(proxy: FaultyProxy, mode: Mode) -> None:
    proxy.switch(AfterBytes(100_001, matching="blob"), to=mode)
    assert get(proxy).ok
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(proxy, "/blob", timeout=0.3)
    assert proxy.log[-1].bytes_down == 100_001


def test_switch__after_an_upload_the_answer_is_withheld(proxy: FaultyProxy, upstream: HttpServer) -> None:
    proxy.switch(AfterBytes(len(BLOB)), to=Silent())
    with pytest.raises(requests.ReadTimeout):
        requests.put(proxy.url, data=BLOB, timeout=0.5)
    assert len(upstream.requests) == 1
