"""The runtime token of a GitHub Actions job, as far as the cache service and its clients read it.

A JWT whose `ac` claim is a string that holds JSON, with `exp` and `nbf`; clients do not check the signature:
https://github.com/tonistiigi/go-actions-cache/blob/378c5ed1ddd9f4bd9371b02deeca46c9b6fae2fa/cache.go
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

READ = 1
WRITE = 2
_KEY = b"the stand-in's own; it keeps nothing secret"


@dataclass(frozen=True, slots=True)
class Scope:
    """A ref whose caches a job may read, write or both; `permission` is a sum of READ and WRITE."""

    ref: str
    permission: int


class InvalidTokenError(ValueError):
    """The token is not one of ours, or is out of its time."""


def make_token(
    scopes: Sequence[tuple[str, int]] = (("refs/heads/main", READ | WRITE),), *, lifetime: float = 3600
) -> str:
    """A token for `scopes`, nearest first: own ref, then base, then default branch; valid for `lifetime` seconds."""
    now = time.time()
    access = json.dumps([{"Scope": ref, "Permission": permission} for ref, permission in scopes])
    claims = {"ac": access, "nbf": int(now) - 60, "exp": int(now + lifetime), "orchid": "stand-in"}
    signed = f"{_encode(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{_encode(json.dumps(claims).encode())}"
    return f"{signed}.{_sign(signed)}"


def parse_token(token: str) -> list[Scope]:
    """The scopes of a token that `make_token` made; raises InvalidTokenError."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _sign(signed).encode()):
        raise InvalidTokenError("signature")
    claims: dict[str, Any] = json.loads(_decode(signed.partition(".")[2]))
    if not claims["nbf"] <= time.time() < claims["exp"]:
        raise InvalidTokenError("not valid now")
    return [Scope(scope["Scope"], scope["Permission"]) for scope in json.loads(claims["ac"])]


def _sign(signed: str) -> str:
    return _encode(hmac.digest(_KEY, signed.encode(), hashlib.sha256))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise InvalidTokenError("encoding") from error
