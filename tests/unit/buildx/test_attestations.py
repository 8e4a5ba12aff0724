"""Attestations and their defaults are docker/build-push-action's."""

from __future__ import annotations

from typing import Any

import pytest

from pycache_action.buildx.attestations import compute_attestations
from pycache_action.errors import InputError
from pycache_action.inputs import Inputs

RUN = "https://github.com/o/r/actions/runs/1/attempts/1"


def attest(*, run_url: str = RUN, private: bool = False, defaults: bool = True, **values: Any) -> tuple[str, ...]:
    return compute_attestations(Inputs.from_values(values), run_url=run_url, private=private, defaults=defaults)


def test_compute_attestations__public_repository() -> None:
    assert attest() == (f"type=provenance,mode=max,builder-id={RUN}",)


def test_compute_attestations__private_repository() -> None:
    assert attest(private=True) == (f"type=provenance,mode=min,inline-only=true,builder-id={RUN}",)


@pytest.mark.parametrize("values", [{"load": True}, {"outputs": "type=docker,dest=image.tar"}])
def test_compute_attestations__none_where_the_image_is_loaded(values: dict[str, Any]) -> None:
    assert attest(**values) == ()


def test_compute_attestations__defaults_switched_off() -> None:
    assert attest(defaults=False) == ()


def test_compute_attestations__laptop() -> None:
    assert attest(run_url="") == ()


@pytest.mark.parametrize(
    ("provenance", "expected"),
    [
        ("true", f"type=provenance,builder-id={RUN}"),
        ("False", "type=provenance,disabled=true"),
        ("mode=min", f"type=provenance,mode=min,builder-id={RUN}"),
        ("mode=min,builder-id=me", "type=provenance,mode=min,builder-id=me"),
    ],
)
def test_compute_attestations__provenance(provenance: str, expected: str) -> None:
    assert attest(provenance=provenance, load=True) == (expected,)


def test_compute_attestations__provenance_on_a_laptop() -> None:
    assert attest(provenance="true", run_url="") == ("type=provenance,disabled=false",)


@pytest.mark.parametrize(
    ("sbom", "expected"),
    [
        ("true", "type=sbom,disabled=false"),
        ("false", "type=sbom,disabled=true"),
        ("generator=a/b", "type=sbom,generator=a/b"),
    ],
)
def test_compute_attestations__sbom(sbom: str, expected: str) -> None:
    assert attest(sbom=sbom, load=True) == (expected,)


def test_compute_attestations__attests_give_way_to_the_two_inputs() -> None:
    found = attest(provenance="false", sbom="true", attests="type=provenance,mode=max\ntype=sbom\ntype=other,x=true")

    assert found == ("type=provenance,disabled=true", "type=sbom,disabled=false", "type=other,x=true")


def test_compute_attestations__provenance_among_attests_replaces_the_default() -> None:
    assert attest(attests="type=provenance,mode=min") == (f"type=provenance,mode=min,builder-id={RUN}",)


@pytest.mark.parametrize("values", [{"provenance": '"a'}, {"attests": ('type=x,"y',)}, {"sbom": '"x'}])
def test_compute_attestations__cannot_be_read(values: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        attest(**values)
