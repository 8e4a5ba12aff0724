"""Every input of the action is an option of `pycache build`, of the same name and with the same help."""

from __future__ import annotations

from importlib import import_module

import click
import pytest

from pycache_action.inputs import OPTIONS
from pycache_action.settings import Kind, Option

OPTIONS_OF_THE_COMMAND = [declared for declared in OPTIONS if declared.field != "context"]


@pytest.fixture(scope="module")
def build() -> click.Command:
    command = import_module("pycache_action.cli").build
    assert isinstance(command, click.Command)
    return command


def test_build__context_is_its_argument(build: click.Command) -> None:
    assert [param.name for param in build.params if isinstance(param, click.Argument)] == ["context"]


@pytest.mark.parametrize("declared", OPTIONS_OF_THE_COMMAND, ids=lambda declared: declared.name)
def test_build__has_the_option(build: click.Command, declared: Option) -> None:
    param = next((param for param in build.params if param.name == declared.field), None)

    assert isinstance(param, click.Option)
    flags = {*param.opts, *param.secondary_opts}
    assert flags == {flag for text in declared.declarations[1:] for flag in text.split("/")}
    assert (param.help or "").startswith(declared.help)
    assert param.is_flag == (declared.kind is Kind.BOOLEAN)
    assert param.multiple == (declared.kind in (Kind.LIST, Kind.LINES))


def test_build__has_no_option_that_is_not_an_input(build: click.Command) -> None:
    names = {param.name for param in build.params if isinstance(param, click.Option)}

    assert names - {declared.field for declared in OPTIONS_OF_THE_COMMAND} <= {"help"}
