from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tests.support.faulty import FaultyProxy
from tests.support.gha_cache import GhaCache
from tests.support.gha_token import READ, WRITE, InvalidTokenError, Scope, make_token, parse_token

if TYPE_CHECKING:
    from collections.abc import Iterator

MAIN = [("refs/heads/main", READ | WRITE)]
PULL = [("refs/pull/7/merge", READ | WRITE), ("refs/heads/main", READ)]
VERSION = "v1"


class Client:
    """Speaks to the service as BuildKit does."""

    def __init__(self, url: str, scopes: list[tuple[str, int]]) -> None:
        self.url = url
        self.scopes = scopes

    def call(self, method: str, **message: Any) -> requests.Response:
        return requests.post(
            f"{self.url}twirp/github.actions.results.api.v1.CacheService/{method}",
            json={"version": VERSION, **message},
            headers={"Authorization": f"Bearer {make_token(self.scopes)}"},
            timeout=5,
        )

    def save(self, key: str, content: bytes) -> None:
        url = self.call("CreateCacheEntry", key=key).json()["signed_upload_url"]
        assert requests.put(url, data=content, headers={"x-ms-blob-type": "BlockBlob"}, timeout=5).status_code == 201
        assert self.call("FinalizeCacheEntryUpload", key=key, size_bytes=len(content)).json()["ok"] is True

    def find(self, key: str, *restore_keys: str) -> tuple[str, bytes] | None:
        found = self.call("GetCacheEntryDownloadURL", key=key, restore_keys=restore_keys).json()
        if not found["ok"]:
            return None
        return found["matched_key"], requests.get(found["signed_download_url"], timeout=5).content


@pytest.fixture
def cache() -> Iterator[GhaCache]:
    with GhaCache() as cache:
        yield cache


@pytest.fixture
def main(cache: GhaCache) -> Client:
    return Client(cache.url, MAIN)


@pytest.fixture
def pull(cache: GhaCache) -> Client:
    return Client(cache.url, PULL)


def test_find__nothing_saved(main: Client) -> None:
    assert main.find("absent") is None


def test_find__exact_key_then_newest_by_prefix(main: Client) -> None:
    for key in ("index#1", "index#3", "index#2"):
        main.save(key, key.encode())
    assert main.find("index#1", "index#") == ("index#1", b"index#1")
    assert main.find("index#", "index#") == ("index#2", b"index#2")
    assert main.find("index#") is None
    assert main.find("x", "other", "index#3") == ("index#3", b"index#3")


def test_find__version_must_be_the_same(main: Client) -> None:
    main.save("key", b"content")
    assert main.call("GetCacheEntryDownloadURL", key="key", version="v2").json()["ok"] is False


def test_find__own_scope_before_default_branch(main: Client, pull: Client) -> None:
    main.save("index#2", b"main")
    assert pull.find("index#", "index#") == ("index#2", b"main")
    pull.save("index#1", b"pull")
    assert pull.find("index#", "index#") == ("index#1", b"pull")
    assert main.find("index#", "index#") == ("index#2", b"main")


def test_find__other_pull_requests_are_not_seen(cache: GhaCache, pull: Client) -> None:
    pull.save("key", b"content")
    assert Client(cache.url, [("refs/pull/8/merge", READ | WRITE), ("refs/heads/main", READ)]).find("key") is None


def test_create__key_that_is_there_or_pending(cache: GhaCache, main: Client, pull: Client) -> None:
    main.save("there", b"content")
    cache.leave_pending("pending", version=VERSION)
    for key in ("there", "pending"):
        answer = main.call("CreateCacheEntry", key=key)
        assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
    assert main.find("pending") is None
    pull.save("there", b"in its own scope")


def test_create__read_only_token(cache: GhaCache) -> None:
    answer = Client(cache.url, [("refs/heads/main", READ)]).call("CreateCacheEntry", key="key")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert answer.json()["msg"].startswith("cache write denied: ")


def test_find__write_only_token(cache: GhaCache) -> None:
    answer = Client(cache.url, [("refs/heads/main", WRITE)]).call("GetCacheEntryDownloadURL", key="key")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize("key", ["", "a,b", "x" * 513, 7, None])
def test_create__key_that_github_refuses(main: Client, key: Any) -> None:
    assert main.call("CreateCacheEntry", key=key).status_code == 400


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x.y.z", "Basic Zm9v", f"Bearer {make_token(MAIN)}x", "Bearer ..é"]
)
def test_call__bad_token(cache: GhaCache, authorization: str) -> None:
    url = f"{cache.url}twirp/github.actions.results.api.v1.CacheService/CreateCacheEntry"
    answer = requests.post(
        url, json={"key": "k", "version": "v"}, headers={"Authorization": authorization.encode()}, timeout=5
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_call__unknown_method_and_malformed_body(cache: GhaCache, main: Client) -> None:
    assert main.call("DeleteCacheEntry", key="key").status_code == 404
    url = f"{cache.url}twirp/github.actions.results.api.v1.CacheService/CreateCacheEntry"
    headers = {"Authorization": f"Bearer {make_token()}"}
    assert requests.post(url, data=b"{", headers=headers, timeout=5).status_code == 400


def test_finalize__announced_size_is_held_against_the_upload(main: Client) -> None:
    url = main.call("CreateCacheEntry", key="key").json()["signed_upload_url"]
    assert main.call("FinalizeCacheEntryUpload", key="key", size_bytes=0).status_code == 400
    requests.put(url, data=b"content", headers={"x-ms-blob-type": "BlockBlob"}, timeout=5)
    assert main.call("FinalizeCacheEntryUpload", key="key", size_bytes=6).status_code == 400
    assert main.call("FinalizeCacheEntryUpload", key="key", size_bytes="7").json()["entry_id"] == "1"
    assert main.call("FinalizeCacheEntryUpload", key="key", size_bytes=7).status_code == 404


def test_upload__blocks_are_put_together_in_the_order_of_the_list(main: Client) -> None:
    url = main.call("CreateCacheEntry", key="key").json()["signed_upload_url"]
    names = [base64.b64encode(name).decode() for name in (b"one", b"two")]
    for name, content in zip(reversed(names), (b"second", b"first "), strict=True):
        put = requests.put(url, params={"comp": "block", "blockid": name}, data=content, timeout=5)
        assert put.status_code == 201
        assert put.headers["x-ms-request-id"]  # without it BuildKit panics
    listed = "".join(f"<Latest>{name}</Latest>" for name in names)
    put = requests.put(f"{url}&comp=blocklist", data=f"<BlockList>{listed}</BlockList>", timeout=5)
    assert put.status_code == 201
    assert main.call("FinalizeCacheEntryUpload", key="key", size_bytes=12).ok
    assert main.find("key") == ("key", b"first second")


def test_upload__unknown_block(main: Client) -> None:
    url = main.call("CreateCacheEntry", key="key").json()["signed_upload_url"]
    put = requests.put(f"{url}&comp=blocklist", data="<BlockList><Latest>eA==</Latest></BlockList>", timeout=5)
    assert (put.status_code, put.headers["x-ms-error-code"]) == (400, "InvalidBlockList")


@pytest.mark.parametrize("header", ["Range", "x-ms-range"])
@pytest.mark.parametrize(
    ("wanted", "status", "content"),
    [
        ("bytes=0-", 206, b"0123456789"),
        ("bytes=7-", 206, b"789"),
        ("bytes=2-3", 206, b"23"),
        ("bytes=10-", 416, None),
        ("x", 416, None),
    ],
)
def test_download__range(main: Client, header: str, wanted: str, status: int, content: bytes | None) -> None:
    main.save("key", b"0123456789")
    url = main.call("GetCacheEntryDownloadURL", key="key").json()["signed_download_url"]
    answer = requests.get(url, headers={header: wanted}, timeout=5)
    assert answer.status_code == status
    assert content is None or answer.content == content


def test_download__head(main: Client) -> None:
    main.save("key", b"0123456789")
    url = main.call("GetCacheEntryDownloadURL", key="key").json()["signed_download_url"]
    answer = requests.head(url, timeout=5)
    assert (answer.headers["Content-Length"], answer.headers["x-ms-blob-type"]) == ("10", "BlockBlob")


def test_signed_url__allows_one_thing_for_a_while() -> None:
    with GhaCache(url_lifetime=-1) as cache:
        main = Client(cache.url, MAIN)
        url = main.call("CreateCacheEntry", key="key").json()["signed_upload_url"]
        put = requests.put(url, data=b"late", headers={"x-ms-blob-type": "BlockBlob"}, timeout=5)
        assert (put.status_code, put.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")
        cache.blobs.url_lifetime = 60
        main.save("other", b"content")
        url = main.call("GetCacheEntryDownloadURL", key="other").json()["signed_download_url"]
        assert requests.put(url, data=b"x", timeout=5).headers["x-ms-error-code"] == "AuthorizationPermissionMismatch"
        assert requests.get(url.replace("sp=r", "sp=w"), timeout=5).headers["x-ms-error-code"] == "AuthenticationFailed"
        cache.evict()
        assert requests.get(url, timeout=5).headers["x-ms-error-code"] == "BlobNotFound"
        assert requests.get(f"{cache.url}blobs/x", timeout=5).status_code == 400


def test_signed_url__leads_through_a_proxy(cache: GhaCache) -> None:
    with FaultyProxy(cache.address) as proxy:
        Client(f"{proxy.url}/", MAIN).save("key", b"content")
        assert [passage.request.split("?")[0] for passage in proxy.log][1] == "PUT /blobs/1"


def test_evict__by_prefix(cache: GhaCache, main: Client) -> None:
    for key in ("blob-1", "index-1"):
        main.save(key, b"content")
    cache.evict("blob-")
    assert [entry.key for entry in cache.entries] == ["index-1"]
    assert main.find("blob-1") is None
    main.save("blob-1", b"again")


def test_rewrite__spoils_the_content(cache: GhaCache, main: Client) -> None:
    main.save("key", b"content")
    cache.rewrite("k", lambda content: content[:3])
    assert main.find("key") == ("key", b"con")


def test_parse_token__what_make_token_made() -> None:
    assert parse_token(make_token(PULL)) == [Scope("refs/pull/7/merge", 3), Scope("refs/heads/main", 1)]


def test_parse_token__expired() -> None:
    with pytest.raises(InvalidTokenError, match="not valid now"):
        parse_token(make_token(lifetime=-1))


@pytest.mark.real_processes
def test_main__runs_as_a_process_of_its_own() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.support.gha_cache",
        "--port",
        "0",
        "--scope",
        "refs/pull/1/merge=3",
        "--scope",
        "refs/heads/main=1",
    ]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        environment = dict(process.stdout.readline().strip().split("=", 1) for _ in range(3))
        try:
            assert environment["ACTIONS_CACHE_SERVICE_V2"] == "1"
            assert parse_token(environment["ACTIONS_RUNTIME_TOKEN"])[0] == Scope("refs/pull/1/merge", 3)
            assert Client(environment["ACTIONS_RESULTS_URL"], MAIN).find("absent") is None
        finally:
            process.terminate()
        assert process.wait(timeout=5) == 0
