"""Every error a user can cause has its own exit code, a title and room for a hint."""

from __future__ import annotations

from pycache_action import errors
from pycache_action.errors import BuilderUnavailable, CacheMissed, InputError, PycacheError


def kinds() -> list[type[PycacheError]]:
    return [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, PycacheError)]


def test_errors__each_has_its_own_exit_code() -> None:
    assert {InputError, BuilderUnavailable, CacheMissed} < set(kinds())
    assert [kind("x").exit_code for kind in (InputError, BuilderUnavailable, CacheMissed)] == [2, 3, 5]
    codes = [kind.exit_code for kind in kinds()]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes
    assert all(kind.title for kind in kinds())


def test_errors__are_all_in_the_tree_of_the_docstring() -> None:
    assert errors.__doc__ is not None
    assert all(kind.__name__ in errors.__doc__ for kind in kinds())


def test_error__says_what_happened_and_what_to_do() -> None:
    error = InputError("tags: 'X' is no image name", hint="Use small letters.")
    assert str(error) == error.message == "tags: 'X' is no image name"
    assert error.hint == "Use small letters."
    assert InputError("x").hint == ""
