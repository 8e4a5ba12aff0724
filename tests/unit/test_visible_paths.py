"""A container action writes where later steps can read, or says so before the build."""

from __future__ import annotations

from typing import Any

import pytest

from pycache_action.errors import InputError
from pycache_action.inputs import Inputs
from pycache_action.visible_paths import Folders, find_folders, translate_paths

ON_GITHUB = find_folders(
    {
        "GITHUB_WORKSPACE": "/github/workspace",
        "RUNNER_TEMP": "/github/runner_temp",
        "RUNNER_WORKSPACE": "/home/runner/work/app",
    }
)


def translate(folders: Folders = ON_GITHUB, **values: Any) -> Inputs:
    return translate_paths(Inputs.from_values(values), folders)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"context": ".", "file": "docker/Dockerfile"},
        {"context": "/github/workspace/app"},
        {"context": "https://github.com/o/r.git#main"},
        {"context": "git@github.com:o/r.git"},
        {"context": "{{defaultContext}}:app"},
        {"outputs": "out"},
        {"outputs": "-"},
        {"outputs": "type=image,push=true\ntype=local,dest=./out\ntype=tar,dest=-"},
        {"outputs": 'type=image,"name=a/b,c/d",push=true'},
        {"cache_from": "org/app:cache\ntype=local,src=/github/runner_temp/cache"},
        {"cache_to": "type=local,dest=.cache/x,mode=max"},
        {"cache": "auto"},
        {"cache": "registry,ref=ghcr.io/o/c"},
        {"cache": "s3,bucket=b,prefix=/tmp/x"},
        {"secret_files": "A=secret.txt"},
        {"build_contexts": "a=docker-image://x\nb=target:y\nc=https://x/y.git\nd=./sub\ne=oci-layout://x"},
        {"ssh": "default"},
        {"ssh": "default=/github/runner_temp/agent.sock"},
        {"report": "report.json"},
    ],
)
def test_translate_paths__what_the_container_has_is_kept(values: dict[str, Any]) -> None:
    assert translate(**values) == Inputs.from_values(values)


@pytest.mark.parametrize(
    ("name", "written", "seen"),
    [
        ("outputs", "type=docker,dest=/home/runner/work/_temp/i.tar", "type=docker,dest=/github/runner_temp/i.tar"),
        ("outputs", "/home/runner/work/app/app/out", "/github/workspace/out"),
        (
            "cache_to",
            "type=local,dest=/home/runner/work/_temp/c,mode=max",
            "type=local,dest=/github/runner_temp/c,mode=max",
        ),
        ("cache_from", "type=local,src=/__w/_temp/c", "type=local,src=/github/runner_temp/c"),
        ("secret_files", "A=/home/runner/work/_temp/s", "A=/github/runner_temp/s"),
        ("build_contexts", "x=/__w/app/app/x", "x=/github/workspace/x"),
        ("ssh", "default=/home/runner/work/_temp/agent.sock", "default=/github/runner_temp/agent.sock"),
    ],
)
def test_translate_paths__the_runners_paths_become_the_containers(name: str, written: str, seen: str) -> None:
    assert getattr(translate(**dict[str, Any]({name: written})), name) == (seen,)


@pytest.mark.parametrize(
    ("name", "written", "path"),
    [
        ("outputs", "type=docker,dest=/tmp/image.tar", "/tmp/image.tar"),
        ("outputs", "/tmp/out", "/tmp/out"),
        ("outputs", "../out", "../out"),
        ("cache-from", "type=local,src=/tmp/.buildx-cache", "/tmp/.buildx-cache"),
        ("cache-to", "type=local,dest=/tmp/.buildx-cache-new", "/tmp/.buildx-cache-new"),
        ("cache-to", "type=local,dest=/github/workspace/../../tmp/x", "/github/workspace/../../tmp/x"),
        ("secret-files", "A=/etc/secret", "/etc/secret"),
        ("build-contexts", "x=/opt/x", "/opt/x"),
        ("context", "/tmp/ctx", "/tmp/ctx"),
        ("file", "/tmp/Dockerfile", "/tmp/Dockerfile"),
        ("cache", "local,path=/var/cache/x", "/var/cache/x"),
        ("report", "/tmp/report.json", "/tmp/report.json"),
        ("report", "/github/workspace-other/r.json", "/github/workspace-other/r.json"),
    ],
)
def test_translate_paths__refuses_what_would_be_lost(name: str, written: str, path: str) -> None:
    with pytest.raises(InputError) as caught:
        translate(**dict[str, Any]({name.replace("-", "_"): written}))

    last = path.rpartition("/")[2]
    assert caught.value.message.startswith(f"{name}: {path!r} is not a path this action can see")
    assert f"relative to the workspace, such as {last}, or /github/runner_temp/{last}" in caught.value.hint


def test_translate_paths__ssh_agent_of_the_runner() -> None:
    with pytest.raises(InputError) as caught:
        translate(ssh="default=/tmp/ssh-x/agent.1")

    assert "ssh-agent -a ${{ runner.temp }}/agent.sock" in caught.value.hint


def test_translate_paths__what_buildx_will_refuse_is_left_to_it() -> None:
    assert translate(cache_from=('type=local,"src=/tmp',)).cache_from == ('type=local,"src=/tmp',)


def test_find_folders__environment_says_nothing() -> None:
    assert find_folders({}) == Folders(seen=("/github/workspace", "/github/runner_temp", "/github/home"))


def test_find_folders__workspace_at_its_own_place() -> None:
    folders = find_folders({"GITHUB_WORKSPACE": "/srv/app"})

    assert translate(folders, outputs="/srv/app/out").outputs == ("/srv/app/out",)
    with pytest.raises(InputError):
        translate(folders, outputs="/srv/out")
