"""Which attestations an image gets: as docker/build-push-action decides it, defaults included.

https://github.com/docker/build-push-action/blob/cb941d0b895b09c17fa011d41c411b33c752cf28/src/context.ts#L238-L292
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycache_action.buildx.attributes import join_fields, parse_output, split_fields
from pycache_action.errors import InputError
from pycache_action.settings import FALSE, TRUE

if TYPE_CHECKING:
    from pycache_action.inputs import Inputs

# https://github.com/docker/buildx/blob/461836ba0fcb3e847dab6045a726889faa150bdb/util/buildflags/attests.go#L130-L190
_TRUE = ("1", "t", "T", *TRUE)
_FALSE = ("0", "f", "F", *FALSE)


def compute_attestations(inputs: Inputs, *, run_url: str, private: bool, defaults: bool) -> tuple[str, ...]:
    """Return the values of `--attest`.

    `run_url` is the workflow run that vouches for the image; without one (a laptop) buildx's own defaults hold.
    `defaults` is false where `BUILDX_NO_DEFAULT_ATTESTATIONS` says so.
    """
    attests = [(_kind(text), text) for text in inputs.attests]
    kinds = {kind for kind, _ in attests}
    found: list[str] = []
    if inputs.provenance:
        found.append(_switch(f"type=provenance,{_provenance(inputs.provenance, run_url)}"))
    elif run_url and defaults and "provenance" not in kinds and not loads_image(inputs):
        attributes = "mode=min,inline-only=true" if private else "mode=max"
        found.append(f"type=provenance,{_with_builder_id(attributes, run_url)}")
    if inputs.sbom:
        found.append(_switch(f"type=sbom,{inputs.sbom}"))
    for kind, text in attests:
        if kind == "provenance":
            if not inputs.provenance:
                found.append(_with_builder_id(text, run_url))
        elif kind == "sbom":
            if not inputs.sbom:
                found.append(text)
        else:
            found.append(_switch(text))
    return tuple(found)


def loads_image(inputs: Inputs) -> bool:
    """Whether the result goes to the engine's images or a `docker` archive, which hold no attestations."""
    return inputs.load or "docker" in exporter_types(inputs)


def exporter_types(inputs: Inputs) -> tuple[str, ...]:
    """The exporters that `outputs` names. Raises `InputError`."""
    try:
        return tuple(parse_output(text).get("type", "") for text in inputs.outputs)
    except ValueError as error:
        raise InputError(
            f"outputs: cannot be read: {error}",
            hint="Write attributes, such as type=local,dest=out, one output a line.",
        ) from error


def _provenance(text: str, run_url: str) -> str:
    if text in FALSE:
        return "false"
    if text in TRUE:
        return f"builder-id={run_url}" if run_url else "true"
    return _with_builder_id(text, run_url)


def _with_builder_id(text: str, run_url: str) -> str:
    names = {field.partition("=")[0].strip() for field in _fields(text)}
    return text if "builder-id" in names or not run_url else f"{text},builder-id={run_url}"


def _switch(text: str) -> str:
    """`true` and `false` among the attributes, in the words buildx has for them."""
    return join_fields(
        f"disabled={'true' if field in _FALSE else 'false'}" if field in (*_TRUE, *_FALSE) else field
        for field in _fields(text)
    )


def _kind(text: str) -> str:
    pairs = (field.partition("=") for field in _fields(text))
    return next((value.strip() for key, _, value in pairs if key.strip() == "type"), "")


def _fields(text: str) -> tuple[str, ...]:
    try:
        return tuple(field.strip() for field in split_fields(text))
    except ValueError as error:
        raise InputError(
            f"attests, provenance or sbom: {text!r} cannot be read: {error}",
            hint="Write attributes, such as type=provenance,mode=max.",
        ) from error
