"""What BuildKit's own checks found in the Dockerfile: https://docs.docker.com/build/checks/"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWarning:
    """One finding; `line` is its first line in the Dockerfile, 0 where it has none."""

    message: str
    detail: str
    url: str
    line: int

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


def parse_warnings(metadata: dict[str, Any]) -> tuple[CheckWarning, ...]:
    """Read them from a metadata file written with `BUILDX_METADATA_WARNINGS`. What is malformed is left out."""
    wire = metadata.get("buildx.build.warnings")
    found = [_parse(each) for each in wire if isinstance(each, dict)] if isinstance(wire, list) else []
    return tuple(sorted(found, key=lambda warning: warning.line))


def _parse(wire: dict[str, Any]) -> CheckWarning:
    ranges = wire.get("range") or [{}]
    return CheckWarning(
        message=re.sub(r"\s\(line \d+\)$", "", _decode(wire.get("short"))),
        detail=" ".join(_decode(each) for each in wire.get("detail") or ()),
        url=str(wire.get("url") or ""),
        line=int((ranges[0].get("start") or {}).get("line") or 0),
    )


def _decode(text: object) -> str:
    try:
        return base64.b64decode(str(text or "")).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""
