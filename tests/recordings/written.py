"""Traces and paths in few words, for cases that no engine can be made to show on demand.

trace_of('''
[1/3] FROM python:3.11-slim           cached
[2/3] RUN pip install -r r.txt        38s
    sha256:aa                         100/2000
[3/3] COPY . .                        failed: not found
''')

path_of('''
1 FROM python:3.11-slim  @ docker.io/library/python:3.11-slim sha256:aa
3 COPY r.txt .           < r.txt:0644:11 other.txt:0644:22
4 RUN pip install        $ TOKEN=99
''')
"""

from __future__ import annotations

import re

from pycache_action.buildx.trace import Trace, Transfer, Vertex
from pycache_action.cache.manifest import CopiedFile, PathEntry

START = 1_000_000.0
LINE = re.compile(r"(.*\S)\s{2,}(cached|running|waiting|done|[\d.]+s|\d+/\d+|failed:.*)")


def trace_of(text: str, *, messages: tuple[str, ...] = ()) -> Trace:
    """One vertex a line: its name, two spaces or more, and `cached`, `38s`, `running`, `waiting` or `failed: WORDS`.
    An indented line is a transfer of the vertex above: its id, and `CURRENT/TOTAL` bytes or `done`.
    """
    vertices: list[Vertex] = []
    for line in _lines(text):
        found = LINE.fullmatch(line.strip())
        assert found, line
        name, state = found.groups()
        if line.startswith("    "):
            last = vertices.pop()
            vertices.append(_with_transfer(last, name, state))
        else:
            vertices.append(_vertex(name, state, number=len(vertices)))
    return Trace(tuple(vertices), messages)


def _vertex(name: str, state: str, number: int) -> Vertex:
    digest = f"sha256:{number:064x}"
    match state.split(":", 1):
        case ["cached"]:
            return Vertex(digest=digest, name=name, cached=True, started=START, completed=START)
        case ["running"]:
            return Vertex(digest=digest, name=name, started=START)
        case ["waiting"]:
            return Vertex(digest=digest, name=name)
        case ["failed", words]:
            return Vertex(digest=digest, name=name, started=START, completed=START + 1, error=words.strip())
        case _:
            return Vertex(digest=digest, name=name, started=START, completed=START + float(state.removesuffix("s")))


def _with_transfer(vertex: Vertex, id_: str, state: str) -> Vertex:
    current, total = (1, 1) if state == "done" else map(int, state.split("/"))
    transfer = Transfer(id=id_, name="", current=current, total=total, completed=state == "done")
    return Vertex(
        digest=vertex.digest,
        name=vertex.name,
        cached=vertex.cached,
        started=vertex.started,
        completed=vertex.completed,
        transfers=(*vertex.transfers, transfer),
    )


def path_of(text: str) -> tuple[PathEntry, ...]:
    """One instruction a line: its line, its text, and behind two spaces what it depends on, if anything: `@ IMAGE
    DIGEST`, `< PATH:MODE:DIGEST...` (files) or `$ NAME=HASH...` (environment).
    """
    return tuple(_entry(line.strip()) for line in _lines(text))


def _entry(text: str) -> PathEntry:
    head, *details = re.split(r"\s{2,}(?=[@<$] )", text)
    line, instruction = head.split(" ", 1)
    image = image_digest = ""
    files: list[CopiedFile] = []
    environment: list[tuple[str, str]] = []
    for detail in details:
        kind, *words = detail.split()
        if kind == "@":
            image, image_digest = words
        elif kind == "<":
            parts = (word.rsplit(":", 2) for word in words)
            files += [CopiedFile(path=path, mode=mode, digest=digest) for path, mode, digest in parts]
        else:
            environment += [(name, hashed) for name, _, hashed in (word.partition("=") for word in words)]
    return PathEntry(
        line=int(line),
        stage="stage-0",
        instruction=instruction.strip(),
        image=image,
        image_digest=image_digest,
        environment=tuple(environment),
        files=tuple(files),
        files_digest=" ".join(f"{file.path}:{file.mode}:{file.digest}" for file in files),
    )


def _lines(text: str) -> list[str]:
    found = [line for line in text.splitlines() if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in found), default=0)
    return [line[indent:] for line in found]
