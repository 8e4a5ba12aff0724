"""Installers say how many packages they installed; logs are written by whoever builds."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.installed import count_installed


@pytest.mark.parametrize(
    ("log", "count"),
    [
        ("Successfully installed alpha-1.0 beta-1.4 delta-0.3\n", 3),
        ("#9 12.3 Successfully installed alpha-1.0\n", 1),
        ("Successfully installed pip-25.0\nSuccessfully installed a-1 b-2\n", 3),
        ("Installed 26 packages in 41ms\n", 26),
        ("Installed 1 package in 1ms\n", 1),
        ("Package operations: 12 installs, 1 update, 0 removals\n", 12),
        ("Package operations: 1 install, 0 updates\n", 1),
        ("  3 to add, 1 to update\n", 3),
        ("Requirement already satisfied: alpha\n", None),
        ("", None),
        ("I did not say: Successfully uninstalled x\n", None),
        ("Installed 0 packages in 1ms\n", None),
    ],
)
def test_count_installed(log: str, count: int | None) -> None:
    assert count_installed(log) == count


@given(st.text())
def test_count_installed__any_log(log: str) -> None:
    assert (count_installed(log) or 1) > 0


@pytest.mark.parametrize("log", ["a " * 8000, " " * 16_000, "Successfully " * 1500, "1" * 16_000, "Installed 9" * 1500])
def test_count_installed__a_hostile_log_takes_no_time(log: str) -> None:
    began = time.perf_counter()
    count_installed(log)
    assert time.perf_counter() - began < 0.5


def test_count_installed__a_number_without_end() -> None:
    """Python reads no number of more than 4,300 digits."""
    count_installed(f"Installed {'9' * 5000} packages")
