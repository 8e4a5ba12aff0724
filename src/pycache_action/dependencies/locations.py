"""URLs and local paths in one spelling, and without the credentials people write into them.

Another password is not another place: user and password are dropped, not hashed, because a short one could be guessed
from its hash.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from urllib.parse import urlsplit, urlunsplit

URL = re.compile(r"(?:https?|ftp|file|(?:git|hg|svn|bzr)(?:\+[a-z]+)?):", re.IGNORECASE)
_SECRET_PARAMETER = re.compile(r"token|auth|key|pass|pwd|secret|sig|cred|^x-amz-|^s[vepr]$", re.IGNORECASE)
# Hosted indexes take a token as a part of the path: https://dl.cloudsmith.io/TOKEN/owner/repository/python/simple/
_SECRET_SEGMENT = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9]{16,}|(?:gh[a-z]|glpat|pypi)[-_][\w-]{8,}")
_USER_INFORMATION = re.compile(r"(?<=://)[^\s'\"]*@")
_ADDRESS = re.compile(r"(?<=://)\S*")
_LONGEST_SHOWN = 4096


def canonical_url(text: str) -> str:
    """Return `text` without user, password and signed parameters, and without the name in its fragment.

    Raises ValueError where it is no URL.
    """
    parts = urlsplit(text)
    host = _host(parts.scheme, parts.netloc)
    query = "&".join(part for part in parts.query.split("&") if not _SECRET_PARAMETER.search(part.partition("=")[0]))
    fragment = "&".join(sorted(part for part in parts.fragment.split("&") if not part.startswith("egg=")))
    slashes = "//" if "://" in text else ""  # urlunsplit forgets those of git+file:///repository
    query, fragment = f"?{query}" if query else "", f"#{fragment}" if fragment else ""
    return f"{parts.scheme}:{slashes}{host}{parts.path}{query}{fragment}"


def canonical_index(text: str) -> str:
    """Return an index URL, or a folder of distributions, in one spelling; parts of its path that look secret hashed."""
    if not URL.match(text):
        return canonical_path(text)
    parts = urlsplit(canonical_url(text))
    path = "/".join(_hashed_if_secret(segment) for segment in parts.path.rstrip("/").split("/"))
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, parts.fragment))


def index_of(text: str) -> str:
    """Return the index that a lock file names, empty for PyPI, which some tools name and others do not."""
    index = canonical_index(text)
    return "" if index in ("https://pypi.org/simple", "https://pypi.python.org/simple") else index


def canonical_path(text: str) -> str:
    """Return a local path in POSIX spelling, told from a name by its leading dot or slash."""
    path = posixpath.normpath(text)
    return path if path.startswith((".", "/", "~", "$")) else f"./{path}"


def git_url(repository: str, reference: str = "", folder: str = "") -> str:
    """Return a repository as pip writes it: `git+https://host/repository@reference#subdirectory=folder`.

    Raises ValueError.
    """
    user, colon, path = repository.partition(":")
    # git's own short way, git@host:owner/repository, is no URL.
    repository = repository if "://" in repository or not colon else f"ssh://{user}/{path}"
    reference = f"@{reference}" if reference else ""
    return canonical_url(f"git+{repository}{reference}{f'#subdirectory={folder}' if folder else ''}")


def name_in_fragment(url: str) -> str:
    """Return the `#egg=` part of `url`, extras included, or the empty text."""
    parts = urlsplit(url).fragment.split("&")
    return next((part.removeprefix("egg=") for part in parts if part.startswith("egg=")), "")


def without_credentials(text: str) -> str:
    """Return `text` with user and password taken out of every URL in it."""
    return _USER_INFORMATION.sub("", text)


def redacted(text: str, limit: int = 120) -> str:
    """Return `text` fit for a message: one short line, nothing unprintable, no user and password."""
    whole = len(text) <= _LONGEST_SHOWN
    # Of a text that is cut, the '@' that ends a password may be lost: then the whole address goes.
    shown = _USER_INFORMATION.sub("***@", text) if whole else _ADDRESS.sub("***", text[:_LONGEST_SHOWN])
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in shown)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def _host(scheme: str, netloc: str) -> str:
    user, _, host = netloc.rpartition("@")
    name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    is_ssh = scheme.endswith("ssh")
    if name and port and not port.isdigit() and not is_ssh and "$" not in host:
        raise ValueError("the port is not a number: a password with '/', '#' or '?' must be percent-encoded")
    # The user of an SSH URL is part of the address (git@github.com), its password is not.
    address = f"{user.partition(':')[0]}@{host}" if is_ssh and user else host
    return address if "$" in address else address.lower()


def _hashed_if_secret(segment: str) -> str:
    if not _SECRET_SEGMENT.fullmatch(segment):
        return segment
    return f"secret-{hashlib.sha256(b'pycache index ' + segment.encode()).hexdigest()[:12]}"
