from __future__ import annotations

import pytest

from pycache_action.dependencies.locations import (
    canonical_index,
    canonical_path,
    canonical_url,
    git_url,
    index_of,
    redacted,
    without_credentials,
)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://h/a.zip", "https://h/a.zip"),
        ("HTTPS://Host/A.zip", "https://host/A.zip"),
        ("https://u:p@h:8080/a.zip", "https://h:8080/a.zip"),
        ("https://u:p@[::1]:8080/a", "https://[::1]:8080/a"),
        ("https://${U}:${P}@${HOST}/a", "https://${HOST}/a"),
        ("https://h/a?token=x&v=1&X-Amz-Signature=y&sig=z", "https://h/a?v=1"),
        ("https://h/a#egg=name&sha256=ab&subdirectory=s", "https://h/a#sha256=ab&subdirectory=s"),
        ("git+ssh://git:p@h/o/r.git@v1", "git+ssh://git@h/o/r.git@v1"),
        ("git+file:///srv/r@v1", "git+file:///srv/r@v1"),
        ("file:///srv/a.whl", "file:///srv/a.whl"),
        ("file:./a.whl", "file:./a.whl"),
    ],
)
def test_canonical_url(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize("url", ["https://[::1", "https://u:pa/ss@h/", "https://h:port/"])
def test_canonical_url__none(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical_url(url)


def test_canonical_index__secret_part_of_the_path_is_hashed() -> None:
    one, other = (canonical_index(f"https://h/abcdefgh1234567{n}/simple/") for n in (1, 2))
    assert one != other
    assert "abcdefgh" not in one
    assert canonical_index("https://h/artifactory/api/pypi/my-project-123/simple/").endswith("/my-project-123/simple")


def test_index_of__pypi_is_what_everybody_means() -> None:
    assert index_of("https://pypi.org/simple/") == ""
    assert index_of("https://h/simple/") == "https://h/simple"


@pytest.mark.parametrize(
    ("path", "canonical"),
    [("a", "./a"), ("./a/", "./a"), ("../a", "../a"), ("/a//b", "/a/b"), ("${A}/b", "${A}/b"), (".", ".")],
)
def test_canonical_path(path: str, canonical: str) -> None:
    assert canonical_path(path) == canonical


def test_git_url__short_way() -> None:
    assert git_url("git@h:o/r.git", "v1", "sub") == "git+ssh://git@h/o/r.git@v1#subdirectory=sub"


@pytest.mark.parametrize(
    "text", ["https://u:hunter2@h", "x https://hunter2@@h y", "https://u:hunter2" + "x" * 5000 + "@h"]
)
def test_redacted__no_password(text: str) -> None:
    assert "hunter2" not in redacted(text)
    assert "hunter2" not in without_credentials(text)


def test_redacted__short_and_printable() -> None:
    assert redacted("a\x1b[31m\nb") == "a\\x1b[31m\\nb"
    assert len(redacted("a" * 1000)) == 120
