"""Inputs are read the same from the runner's environment and from the command line."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.errors import InputError
from pycache_action.inputs import OPTIONS, Inputs
from pycache_action.settings import Kind

if TYPE_CHECKING:
    from pycache_action.settings import Given, Option

SECRET = "s3cr3t-0b5cur3-v4lu3"


def test_from_environ__nothing_given() -> None:
    assert Inputs.from_environ({"HOME": "/root", "INPUT_TAGS": "  \n", "INPUT_PUSH": ""}) == Inputs()


def test_from_environ__every_kind() -> None:
    inputs = Inputs.from_environ(
        {
            "INPUT_CONTEXT": " ./app \n",
            "INPUT_PUSH": "True",
            "INPUT_TAGS": "a/b:1, a/b:2\na/b:3",
            "INPUT_DEPENDENCY-FILES": "requirements/*.txt",
            "INPUT_BUILD-ARGS": 'A=x,y\n"B=one\ntwo"',
            "INPUT_COMMENT": "never",
        }
    )

    assert inputs.context == "./app"
    assert inputs.push is True
    assert inputs.tags == ("a/b:1", "a/b:2", "a/b:3")
    assert inputs.dependency_files == ("requirements/*.txt",)
    assert inputs.build_args == ("A=x,y", "B=one\ntwo")
    assert inputs.comment == "never"


def test_from_environ__outputs_keep_their_quotes() -> None:
    text = 'type=image,"name=a/b,c/d",push-by-digest=true,push=true'

    assert Inputs.from_environ({"INPUT_OUTPUTS": text}).outputs == (text,)


def test_from_environ__secrets_keep_their_new_lines() -> None:
    inputs = Inputs.from_environ({"INPUT_SECRETS": '"KEY=-----BEGIN\nabc\n-----END\n"\nTOKEN=x y \n'})

    assert inputs.secrets == ("KEY=-----BEGIN\nabc\n-----END\n", "TOKEN=x y ")


def test_from_environ__unknown_names_are_the_runners_to_warn_of() -> None:
    assert Inputs.from_environ({"INPUT_TAG": "a"}) == Inputs()


def test_from_environ__wrong_value_names_the_input() -> None:
    with pytest.raises(InputError) as caught:
        Inputs.from_environ({"INPUT_FAIL-ON-CACHE-MISS": "dependencies-changed"})

    assert caught.value.message == "fail-on-cache-miss: 'dependencies-changed' is neither true nor false"
    assert caught.value.exit_code == 2


def test_from_environ__given_comes_before_the_file_and_the_file_before_the_default() -> None:
    defaults: dict[str, Given] = {"pull": "true", "comment": "always", "platforms": ("linux/amd64",), "save": "never"}

    inputs = Inputs.from_environ({"INPUT_PULL": "false", "INPUT_COMMENT": "", "INPUT_SAVE": "always"}, defaults)

    assert inputs.pull is False
    assert inputs.comment == "always"
    assert inputs.platforms == ("linux/amd64",)
    assert inputs.save == "always"
    assert inputs.cache == "auto"


def test_from_values__as_click_hands_them_over() -> None:
    inputs = Inputs.from_values(
        {"context": ".", "tags": ("a", "b"), "push": None, "load": True, "build_args": ('A="x",y',), "labels": ()}
    )

    assert inputs == Inputs(context=".", tags=("a", "b"), load=True, build_args=('A="x",y',))


def test_from_values__false_is_given() -> None:
    assert Inputs.from_values({"pull": False}, {"pull": "true"}).pull is False


def test_from_values__same_checks() -> None:
    with pytest.raises(InputError, match="save: 'alway' is not known"):
        Inputs.from_values({"save": "alway"})


def test_from_values__no_such_field() -> None:
    with pytest.raises(TypeError, match="tagz"):
        Inputs.from_values({"tagz": "a"})


def test_from_values__same_as_the_environment() -> None:
    text = "a/b:1,a/b:2"

    assert Inputs.from_values({"tags": text}) == Inputs.from_environ({"INPUT_TAGS": text})


@pytest.mark.parametrize("name", [declared.field for declared in OPTIONS if declared.secret])
def test_repr__shows_no_secret(name: str) -> None:
    inputs = Inputs.from_values({name: f"NAME={SECRET}"})

    assert SECRET not in repr(inputs)
    assert SECRET in str(getattr(inputs, name))


def test_options__secrets_are_marked() -> None:
    assert {declared.name for declared in OPTIONS if declared.secret} == {
        "build-args",
        "secrets",
        "password",
        "github-token",
    }


def test_options__four_spellings() -> None:
    declared = next(declared for declared in OPTIONS if declared.field == "dependency_files")

    assert (declared.name, declared.variable) == ("dependency-files", "INPUT_DEPENDENCY-FILES")
    assert declared.declarations == ("dependency_files", "--dependency-files")


def test_options__command_line_knows_dockers_own_names() -> None:
    declarations = {declared.field: declared.declarations for declared in OPTIONS}

    assert declarations["tags"] == ("tags", "-t", "--tag", "--tags")
    assert declarations["push"] == ("push", "--push/--no-push")
    assert declarations["no_cache"] == ("no_cache", "--no-cache")


def test_options__flags_are_unique() -> None:
    flags = [flag for declared in OPTIONS for text in declared.declarations[1:] for flag in text.split("/")]

    assert len(flags) == len(set(flags))


@given(st.sampled_from([declared for declared in OPTIONS if declared.kind is not Kind.STRING]), st.text(max_size=40))
def test_from_environ__any_text_is_read_or_refused(declared: Option, text: str) -> None:
    with contextlib.suppress(InputError):
        Inputs.from_environ({declared.variable: text})
