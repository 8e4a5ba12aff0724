"""What each vertex is made of, read from the file that `buildx build --metadata-file` writes.

With `BUILDX_METADATA_PROVENANCE=max` that file holds the whole build graph, the vertex digests and the lines of the
Dockerfile: https://docs.docker.com/reference/cli/docker/buildx/build/#metadata-file
Operations: https://github.com/moby/buildkit/blob/v0.25.0/solver/pb/ops.proto
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

BUILDKIT_METADATA = "https://mobyproject.org/buildkit@v1#metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """A base image: its reference as written, with the digest it had in this build."""

    reference: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSource:
    """A build context; `name` is `context` or that of a named context."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherSource:
    """A Git repository or a remote file."""

    identifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mount of a RUN: `input` counts the step's inputs (-1: none), `source` is the path within that input."""

    target: str
    input: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A RUN: its command, working folder and environment (values are secret until hashed)."""

    arguments: tuple[str, ...]
    working_directory: str
    environment: tuple[tuple[str, str], ...]
    user: str
    mounts: tuple[Mount, ...]

    def __repr__(self) -> str:
        return f"Run(arguments={self.arguments!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A COPY, ADD or WORKDIR: `sources` are paths or globs in what is copied from."""

    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """A linked copy being laid on the layers below it, or another operation without an instruction of its own."""


Operation = ImageSource | LocalSource | OtherSource | Run | Copy | Merge


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node of the build graph; `line` is its first line in the Dockerfile, 0 where it stands for none."""

    id: str
    vertex: str
    operation: Operation
    inputs: tuple[str, ...]
    lines: tuple[int, ...]
    platform: str

    @property
    def line(self) -> int:
        """The line of the instruction it was made for; where several share it, the first."""
        return min(self.lines, default=0)


@dataclass(frozen=True, slots=True)
class Provenance:
    """The build graph of one build, one platform after the other; `layers` are digests and compressed sizes in bytes,
    of those that have been made into blobs.
    """

    steps: tuple[Step, ...] = ()
    layers: tuple[tuple[str, int], ...] = ()

    def path_to(self, step: Step) -> tuple[Step, ...]:
        """All that `step` depends on, dependencies first, itself last."""
        known = {(each.platform, each.id): each for each in self.steps}
        ordered: dict[str, Step] = {}
        waiting: list[tuple[Step, bool]] = [(step, False)]
        while waiting:
            each, inputs_done = waiting.pop()
            if each.id in ordered:
                continue
            if inputs_done:
                ordered[each.id] = each
                continue
            waiting.append((each, True))
            below = (known.get((step.platform, id_)) for id_ in reversed(each.inputs))
            waiting.extend((one, False) for one in below if one is not None)
        return tuple(ordered.values())

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms built for, as `os/arch`."""
        return tuple(dict.fromkeys(step.platform for step in self.steps))

    @property
    def base_images(self) -> dict[str, str]:
        """Digest by reference of every image the build stands on."""
        sources = (step.operation for step in self.steps)
        return {source.reference: source.digest for source in sources if isinstance(source, ImageSource)}


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata file: `values` is what users get of it, with the provenance cut down to what buildx writes unasked
    (no build graph, no build args); `digest` and `image_id` are empty where no image was exported.
    """

    values: dict[str, Any]
    provenance: Provenance

    @property
    def digest(self) -> str:
        """Digest of the image, or of its index."""
        return str(self.values.get("containerimage.digest") or "")

    @property
    def image_id(self) -> str:
        """What `--iidfile` would hold.

        https://github.com/docker/buildx/blob/v0.29.1/commands/build.go (getImageID)
        """
        return str(self.values.get("containerimage.config.digest") or self.digest)


def parse_metadata(text: str) -> Metadata:
    """Read a metadata file. Whatever is missing or malformed in it is left out: it only serves to explain."""
    try:
        document = json.loads(text)
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    steps: list[Step] = []
    layers: dict[str, int] = {}
    for name, value in list(document.items()):
        if name.split("/", 1)[0] != "buildx.build.provenance":
            continue
        with contextlib.suppress(TypeError, ValueError, AttributeError, KeyError):
            steps += _parse_steps(value, name.partition("/")[2])
            layers |= _parse_layers(value)
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            document[name] = _reduce_provenance(value)
    return Metadata(document, Provenance(tuple(steps), tuple(layers.items())))


def _reduce_provenance(provenance: dict[str, Any]) -> dict[str, Any]:
    """What `mode=min` keeps: https://docs.docker.com/build/metadata/attestations/slsa-provenance/#min"""
    invocation = dict(provenance.get("invocation") or {})
    parameters = invocation.get("parameters") or {}
    invocation["parameters"] = {name: value for name, value in parameters.items() if name in ("frontend", "locals")}
    kept = {name: provenance[name] for name in ("builder", "buildType", "materials") if name in provenance}
    return kept | {"invocation": invocation}


def _parse_steps(provenance: dict[str, Any], platform: str) -> list[Step]:
    config = provenance.get("buildConfig") or {}
    invocation = provenance.get("invocation") or {}
    platform = platform or str((invocation.get("environment") or {}).get("platform") or "")
    source = ((provenance.get("metadata") or {}).get(BUILDKIT_METADATA) or {}).get("source") or {}
    locations = source.get("locations") or {}
    vertices = {id_: digest for digest, id_ in (config.get("digestMapping") or {}).items()}
    steps: list[Step] = []
    for node in config.get("llbDefinition") or ():
        operation = _parse_operation(node.get("op") or {})
        if operation is None:
            continue
        id_ = str(node.get("id"))
        steps.append(
            Step(
                id=id_,
                vertex=str(vertices.get(id_) or ""),
                operation=operation,
                inputs=tuple(str(each).rpartition(":")[0] for each in node.get("inputs") or ()),
                lines=_parse_lines(locations.get(id_) or {}),
                platform=platform,
            )
        )
    return steps


def _parse_layers(provenance: dict[str, Any]) -> dict[str, int]:
    chains = ((provenance.get("metadata") or {}).get(BUILDKIT_METADATA) or {}).get("layers") or {}
    blobs = (blob for results in chains.values() for chain in results for blob in chain)
    return {str(blob.get("digest")): int(blob.get("size") or 0) for blob in blobs}


def _parse_lines(location: dict[str, Any]) -> tuple[int, ...]:
    ranges = (each for place in location.get("locations") or () for each in place.get("ranges") or ())
    return tuple(sorted({int((each.get("start") or {}).get("line") or 0) for each in ranges} - {0}))


def _parse_operation(op: dict[str, Any]) -> Operation | None:
    match op.get("Op"):
        case {"source": {"identifier": str(identifier)}}:
            return _parse_source(identifier)
        case {"exec": {"meta": dict(meta)} as execution}:
            return Run(
                arguments=tuple(str(argument) for argument in meta.get("args") or ()),
                working_directory=str(meta.get("cwd") or ""),
                environment=tuple(_split(variable) for variable in meta.get("env") or ()),
                user=str(meta.get("user") or ""),
                mounts=tuple(_parse_mount(mount) for mount in execution.get("mounts") or ()),
            )
        case {"file": dict(file)}:
            return _parse_file(file)
        case {"merge": _} | {"diff": _} | {"build": _}:
            return Merge()
        case _:
            return None


def _parse_mount(mount: dict[str, Any]) -> Mount:
    """Protobuf leaves zero out: a mount without `input` has the first."""
    return Mount(
        target=str(mount.get("dest") or ""),
        input=int(mount.get("input") or 0),
        source=str(mount.get("selector") or ""),
    )


def _parse_source(identifier: str) -> Operation:
    scheme, _, rest = identifier.partition("://")
    match scheme:
        case "docker-image" | "oci-layout":
            reference, _, digest = rest.partition("@")
            return ImageSource(reference=reference, digest=digest)
        case "local":
            return LocalSource(name=rest)
        case _:
            return OtherSource(identifier=identifier)


def _parse_file(file: dict[str, Any]) -> Copy:
    actions = [action.get("Action") or {} for action in file.get("actions") or ()]
    sources = tuple(str(action["copy"].get("src") or "") for action in actions if "copy" in action)
    return Copy(sources=sources)


def _split(variable: object) -> tuple[str, str]:
    name, _, value = str(variable).partition("=")
    return name, value
