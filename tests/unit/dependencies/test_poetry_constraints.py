from __future__ import annotations

import pytest

from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.poetry_constraints import parse_constraint


@pytest.mark.parametrize(
    ("constraint", "specifiers"),
    [
        # https://python-poetry.org/docs/dependency-specification/#caret-requirements
        ("^1.2.3", ("<2.0.0,>=1.2.3",)),
        ("^1.2", ("<2.0,>=1.2",)),
        ("^1", ("<2,>=1",)),
        ("^0.2.3", ("<0.3.0,>=0.2.3",)),
        ("^0.0.3", ("<0.0.4,>=0.0.3",)),
        ("^0.0", ("<0.1,>=0.0",)),
        ("^0", ("<1,>=0",)),
        ("^2.0rc1", ("<3.0,>=2.0rc1",)),
        ("~1.2.3", ("<1.3,>=1.2.3",)),
        ("~1.2", ("<1.3,>=1.2",)),
        ("~1", ("<2,>=1",)),
        ("*", ("",)),
        ("1.*", ("==1.*",)),
        ("==1.2.*", ("==1.2.*",)),
        ("!=1.2.*", ("!=1.2.*",)),
        ("1.2.3", ("==1.2.3",)),
        ("=1.2", ("==1.2",)),
        (">=1.2,<2", ("<2,>=1.2",)),
        (">= 1.2 < 2", ("<2,>=1.2",)),
        ("~=2.2", ("~=2.2",)),
        ("(>=2,<3)", ("<3,>=2",)),
        ("^1 || ^3", ("<2,>=1", "<4,>=3")),
        (">=0.14,<0.15||>0.15", ("<0.15,>=0.14", ">0.15")),
    ],
)
def test_parse_constraint(constraint: str, specifiers: tuple[str, ...]) -> None:
    assert parse_constraint(constraint) == specifiers


@pytest.mark.parametrize("constraint", ["^", "one", ">=", "^x", "1.0 - 2.0", "||".join("1" * 100), "^" + "9" * 5000])
def test_parse_constraint__malformed(constraint: str) -> None:
    with pytest.raises(MalformedError):
        parse_constraint(constraint)
