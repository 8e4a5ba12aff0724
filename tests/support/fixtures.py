"""The stand-ins as pytest fixtures; a conftest takes them with `pytest_plugins = ["tests.support.fixtures"]`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.faulty import FaultyProxy
from tests.support.gha_cache import GhaCache
from tests.support.github_api import GitHubApi
from tests.support.package_index import PackageIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def package_index() -> Iterator[PackageIndex]:
    """An empty package index, reachable on this machine and from builds."""
    with PackageIndex(in_builds=True) as index:
        yield index


@pytest.fixture
def github_api() -> Iterator[GitHubApi]:
    """GitHub's API with the empty repository `org/project` and an installation's token."""
    with GitHubApi() as api:
        yield api


@pytest.fixture
def gha_cache() -> Iterator[GhaCache]:
    """An empty cache service, version 2."""
    with GhaCache() as cache:
        yield cache


@pytest.fixture
def faulty_proxy() -> Iterator[Callable[[str], FaultyProxy]]:
    """Makes proxies in front of `host:port`, and closes them."""
    with ExitStack() as stack:
        yield lambda upstream: stack.enter_context(FaultyProxy(upstream))
