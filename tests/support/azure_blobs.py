"""Blobs behind signed URLs, in the part of Azure's block blob protocol that cache clients speak.

Put Block, Put Block List, Put Blob, Get Blob (whole or from an offset), Get Blob Properties:
https://learn.microsoft.com/rest/api/storageservices/operations-on-block-blobs
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import urlencode

from tests.support.http_server import Answer, Request


@dataclass(slots=True)
class Blob:
    """`content` is None until it was committed, as a whole or as a list of blocks."""

    content: bytes | None = None
    blocks: dict[str, bytes] = field(default_factory=dict)
    changed: float = 0


class BlobContainer:
    """Blobs in memory under `/blobs/ID`; `url_lifetime` is how many seconds a signed URL holds."""

    def __init__(self, *, url_lifetime: float = 3600) -> None:
        self.url_lifetime = url_lifetime
        self._blobs: dict[int, Blob] = {}
        self._key = secrets.token_bytes()
        self._lock = threading.Lock()

    def __getitem__(self, blob: int) -> Blob:
        return self._blobs[blob]

    def create(self, blob: int) -> None:
        self._blobs[blob] = Blob()

    def delete(self, blob: int) -> None:
        self._blobs.pop(blob, None)

    def sign(self, host: str, blob: int, permission: str) -> str:
        """A URL at `host` (`name:port`) that allows `r` or `w` for a while."""
        expiry = f"{time.time() + self.url_lifetime:.3f}"
        query = {"sp": permission, "se": expiry, "sig": self._signature(blob, permission, expiry)}
        return f"http://{host}/blobs/{blob}?{urlencode(query)}"

    def answer(self, request: Request) -> Answer:
        """Answers a request for `/blobs/ID`."""
        with self._lock:
            answer = self._answer(request)
        # go-actions-cache dereferences the request's id unasked: without it, the whole daemon panics
        headers = {"x-ms-request-id": secrets.token_hex(16), "x-ms-version": "2025-01-05", **answer.headers}
        return Answer(status=answer.status, headers=headers, body=answer.body)

    def _answer(self, request: Request) -> Answer:
        match self._find(request):
            case Answer() as refusal:
                return refusal
            case Blob() as blob:
                return _put(blob, request) if request.method == "PUT" else _get(blob, request)

    def _find(self, request: Request) -> Blob | Answer:
        number = request.path.removeprefix("/blobs/")
        if not number.isascii() or not number.isdecimal():
            return _refuse(400, "InvalidUri")
        permission, expiry = request.query.get("sp", ""), request.query.get("se", "0")
        signature = self._signature(int(number), permission, expiry)
        if not hmac.compare_digest(signature, request.query.get("sig", "")) or float(expiry) < time.time():
            return _refuse(403, "AuthenticationFailed")
        if permission != {"PUT": "w", "GET": "r", "HEAD": "r"}.get(request.method):
            return _refuse(403, "AuthorizationPermissionMismatch")
        return self._blobs.get(int(number)) or _refuse(404, "BlobNotFound")

    def _signature(self, blob: int, permission: str, expiry: str) -> str:
        return hmac.digest(self._key, f"{blob} {permission} {expiry}".encode(), hashlib.sha256).hex()


def _put(blob: Blob, request: Request) -> Answer:
    match request.query.get("comp"):
        case "block":
            blob.blocks[request.query["blockid"]] = request.body
            return Answer(status=201)
        case "blocklist":
            names = [element.text or "" for element in ET.fromstring(request.body)]
            if not blob.blocks.keys() >= set(names):
                return _refuse(400, "InvalidBlockList")
            content = b"".join(blob.blocks[name] for name in names)
        case None if request.headers.get("x-ms-blob-type") == "BlockBlob":
            content = request.body
        case _:
            return _refuse(400, "InvalidQueryParameterValue")
    blob.content, blob.changed = content, time.time()
    blob.blocks.clear()
    return Answer(status=201, headers=_properties(blob))


def _get(blob: Blob, request: Request) -> Answer:
    if blob.content is None:
        return _refuse(404, "BlobNotFound")
    headers = {**_properties(blob), "Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
    content = memoryview(blob.content)
    header = request.headers.get("x-ms-range") or request.headers.get("Range")
    if header is None:
        return Answer(headers=headers, body=content)
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", header)
    if wanted is None or int(wanted[1]) >= len(content):
        return _refuse(416, "InvalidRange")
    start, stop = int(wanted[1]), min(int(wanted[2] or len(content)) + 1, len(content))
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
    return Answer(status=206, headers=headers, body=content[start:stop])


def _properties(blob: Blob) -> dict[str, str]:
    return {
        "ETag": f'"0x{int(blob.changed * 1e6):X}"',
        "Last-Modified": formatdate(blob.changed, usegmt=True),
        "x-ms-blob-type": "BlockBlob",
        "x-ms-request-server-encrypted": "true",
    }


def _refuse(status: int, code: str) -> Answer:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{HTTPStatus(status).phrase}</Message></Error>'
    return Answer(
        status=status, headers={"Content-Type": "application/xml", "x-ms-error-code": code}, body=body.encode()
    )
