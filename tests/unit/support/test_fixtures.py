from __future__ import annotations

from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.faulty import FaultyProxy
    from tests.support.gha_cache import GhaCache
    from tests.support.github_api import GitHubApi
    from tests.support.package_index import PackageIndex

pytest_plugins = ["tests.support.fixtures"]


def test_fixtures__stand_ins_answer(
    package_index: PackageIndex,
    github_api: GitHubApi,
    gha_cache: GhaCache,
    faulty_proxy: Callable[[str], FaultyProxy],
) -> None:
    assert requests.get(package_index.url, timeout=5).ok
    assert requests.get(f"{github_api.url}/user", timeout=5).status_code == 401
    proxy = faulty_proxy(gha_cache.address)
    assert requests.get(proxy.url, timeout=5).status_code == 404
    assert len(gha_cache.requests) == 1
