"""Asks a cache's server for a sign of life before the builder asks it for anything.

BuildKit reads the index of a cache in the one loop that schedules every build of a daemon, and outside the build that
wants it: a server that accepts and never answers stops all builds on that machine, and ending the build does not end
the wait. So no builder is sent to a server that lets us wait, too.
https://github.com/moby/buildkit/blob/v0.25.0/solver/llbsolver/bridge.go#L97 (no deadline, no cancelling)
https://github.com/moby/buildkit/blob/v0.25.0/solver/edge.go#L576 (asked from the scheduler)
"""

from __future__ import annotations

import http.client
import re
import ssl
from typing import TYPE_CHECKING, assert_never
from urllib.parse import SplitResult, urlsplit

from pycache_action.cache.backend import Bucket, Gha, Local, Registry, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pycache_action.cache.backend import Backend

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
PROXIES = ("https_proxy", "http_proxy", "all_proxy")


def find_silence(backend: Backend, environment: Mapping[str, str]) -> Unavailable | None:
    """Say that the server takes connections and answers nothing; None for everything else.

    A server that cannot be reached from here may be one that only the builder reaches, and a refusal is an answer: both
    are left to BuildKit, which gives up on them by itself. So is everything behind a proxy named in `environment`.
    """
    url = _find_url(backend)
    if not url.hostname or any(environment.get(name) or environment.get(name.upper()) for name in PROXIES):
        return None
    try:
        connection = _connection(url.scheme, url.hostname, url.port)
        connection.connect()
    except (OSError, ValueError):
        return None
    try:
        connection.sock.settimeout(ANSWER_SECONDS)
        connection.request("GET", url.path or "/", headers={"Connection": "close"})
        connection.getresponse()
    except TimeoutError:
        return Unavailable(f"{url.hostname} takes connections and does not answer ({ANSWER_SECONDS:.0f} s)")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return None


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    """Whose server it is does not matter for whether it is alive, so its certificate is not looked at."""
    if scheme == "https":
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=trusting)
    return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)


def _find_url(backend: Backend) -> SplitResult:
    """Where the server is; without a host where there is none, or where only BuildKit knows."""
    match backend:
        case Registry(ref=ref):
            return urlsplit(_registry_url(ref))
        case Gha(url=url):
            return urlsplit(url)
        case Bucket(attributes=attributes):
            given = dict(attributes)
            return urlsplit(given.get("endpoint_url") or given.get("account_url") or "")
        case Local():
            return urlsplit("")
        case _:
            assert_never(backend)


def _registry_url(ref: str) -> str:
    """A TLS server answers plain HTTP too, if only to say that it wants TLS: a port of its own is asked that way.

    Names: https://github.com/distribution/reference/blob/v0.6.0/normalize.go#L142
    """
    host, slash, _ = ref.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host = "registry-1.docker.io"
    plain = host == "localhost" or bool(re.search(r":\d+$", host))
    return f"{'http' if plain else 'https'}://{host}/v2/"
