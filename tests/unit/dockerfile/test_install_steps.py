from __future__ import annotations

import pytest
from tests.unit.dockerfile.files import FilesInMemory, steps_of, tell, told
from tests.unit.dockerfile.shapes import SHAPES, Shape

from pycache_action.dockerfile.dockerignore import Ignore
from pycache_action.dockerfile.install_steps import InstallStep, find_install_steps
from pycache_action.dockerfile.parse import parse_dockerfile
from pycache_action.dockerfile.stage import ImageConfig
from pycache_action.errors import InputError


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name.replace(" ", "-"))
def test_find_install_steps__shapes(shape: Shape) -> None:
    steps = steps_of(
        shape.dockerfile, shape.files, target=shape.target, build_args=shape.build_args, ignore=shape.ignore
    )
    assert [tell(step) for step in steps] == list(shape.steps)


def only(run: str, files: str = "requirements.txt pyproject.toml uv.lock poetry.lock pdm.lock Pipfile") -> InstallStep:
    (step,) = steps_of(f"FROM python\nCOPY . /app\nWORKDIR /app\n{run}", files)
    return step


def test_find_install_steps__place_and_text_of_a_step() -> None:
    step = only("RUN --network=none pip install \\\n    # all of them\n    -r requirements.txt \\\n\n   flask")
    assert (step.stage, step.line, step.end_line) == (0, 4, 8)
    assert step.instruction == "RUN --network=none pip install -r requirements.txt flask"


def test_find_install_steps__passwords_are_not_shown() -> None:
    step = only(
        "RUN pip install -i https://user:pa55@example.org/simple git+https://pa55@example.org/x.git "
        "-r https://u:pa55@example.org/r.txt git+ssh://git@example.org/y.git"
    )
    assert "https://***@example.org/simple git+https://***@example.org/x.git" in step.instruction
    assert step.named == ("git+https://***@example.org/x.git", "git+ssh://git@example.org/y.git")
    assert step.unresolved == ("https://***@example.org/r.txt: read from the network",)
    assert "pa55" not in repr((step.instruction, step.named, step.project, step.unresolved))


def test_find_install_steps__each_command_by_itself() -> None:
    step = only("RUN pip install -U pip && uv sync --frozen && pip wheel -w /w -r requirements.txt")
    assert step.tool == "uv"
    assert step.kind == "install"
    assert [(one.tool, one.kind, one.named, [file.path for file in one.wanted]) for one in step.commands] == [
        ("pip", "install", ("pip",), []),
        ("uv", "install", (), ["uv.lock", "pyproject.toml"]),
        ("pip", "wheels", (), ["requirements.txt"]),
    ]
    assert step.commands[0].argv == ("pip", "install", "-U", "pip")


@pytest.mark.parametrize(
    ("run", "only_tools"),
    [
        ("pip install --upgrade pip setuptools wheel", True),
        ("pip install 'uv==0.9.*'", True),
        ("pipx install poetry", True),
        ("pip install poetry flask", False),
        ("pip install git+https://github.com/python-poetry/poetry", False),
        ("pip install pip -r requirements.txt", False),
        ("pip install pip $MORE", False),
        ("pip install .", False),
    ],
)
def test_only_tools(run: str, only_tools: bool) -> None:
    assert only(f"RUN {run}").only_tools is only_tools


@pytest.mark.parametrize(
    ("run", "line"),
    [
        ("pip --no-cache-dir install -qUr requirements.txt", "pip: requirements.txt"),
        ("pip install --requirement requirements.txt --progress off", "pip: requirements.txt"),
        ("pip install -- flask", "pip: names flask"),
        ("python -W ignore -m pip install flask", "pip: names flask"),
        ("python3 -mpip install flask", "pip: names flask"),
        ("nice -n 5 timeout 60 pip install flask", "pip: names flask"),
        ("doas pip install flask", "pip: names flask"),
        ("poetry run pip install flask", "pip: names flask"),
        ("uv run --no-sync pip install flask", "pip: names flask"),
        ("pipx run poetry==2.1 install --no-root", "poetry: poetry.lock, pyproject.toml"),
        ("uvx poetry@2 install --no-root", "poetry: poetry.lock, pyproject.toml"),
        ("eval pip install flask", "pip: names flask"),
        ("sh -ec 'cd / && pip install flask'", "pip: names flask"),
        ("PIP=pip; $PIP install flask", "pip: names flask"),
        ("export R=requirements.txt && pip install -r $R", "pip: requirements.txt"),
        ("cd / && cd app && pip install -r requirements.txt", "pip: requirements.txt"),
        ("(cd /app; cd ..); pip install -r requirements.txt", "pip: requirements.txt"),
        ("pip install -r /app/./x/../requirements.txt", "pip: requirements.txt"),
        ("$INSTALLER_PIP install flask", "pip: names flask; unsure: the value of ${INSTALLER_PIP} is not known"),
        ("pip install --new-option x", ("pip: names x; unsure: the option --new-option is not known, so the word after "
         "it may be its value")),
        ("pip install -r requirements/*.txt", "pip: unsure: requirements/*.txt: a wildcard for several files"),
        ("python -m piptools sync requirements.txt", "pip: requirements.txt"),
        ("uv pip sync - < requirements.txt", "uv-pip: requirements.txt"),
        ("uv pip compile pyproject.toml -o /c.txt && uv pip sync /c.txt", ("uv-pip: pyproject.toml (without default groups); unsure: /c.txt: "
         "made by line 4, from what the index has at the time")),
        ("uv pip compile pyproject.toml > /c.txt && uv pip sync /c.txt", ("uv-pip: pyproject.toml (without default groups); unsure: /c.txt: "
         "made by line 4, from what the index has at the time")),
        ("uv sync --script requirements.txt", "uv: requirements.txt"),
        ("uv --directory / sync --project app --no-install-project", "uv: uv.lock, pyproject.toml"),
        ("UV_PROJECT=/app uv sync --only-dev", "uv: uv.lock (only dev), pyproject.toml (only dev)"),
        ("uv add flask", "uv: names flask"),
        ("pdm export --prod -o /r.txt && pip install -r /r.txt", ("pip: pdm.lock (without default groups), "
         "pyproject.toml (without default groups)")),
        ("pdm install -G web --without lint --no-self", ("pdm: pdm.lock (group web, without lint), "
         "pyproject.toml (group web, without lint)")),
        ("poetry add flask", "poetry: poetry.lock, pyproject.toml; names flask"),
        ("pip-compile -o /r.txt pyproject.toml && pip install -r /r.txt", ("pip: pyproject.toml; unsure: /r.txt: "
         "made by line 4, from what the index has at the time")),
        ("pip install -r requirements.txt --group /app/pyproject.toml:test", ("pip: requirements.txt, pyproject.toml "
         "(group test, without the project's own, without default groups)")),
        ("python -m build -o /out . && pip install /out/a.whl", ("pip: pyproject.toml (without default groups); "
         "project /out/a.whl")),
        ("cd / && uv build app && pip install dist/*.whl", ("pip: pyproject.toml (without default groups); "
         "project dist/*.whl")),
        ("echo flask >> requirements.txt && pip install -r requirements.txt", ("pip: requirements.txt; "
         "unsure: requirements.txt: changed by line 4 (echo)")),
        ("echo flask > /r.txt && pip install -r /r.txt", "pip: unsure: /r.txt: made by line 4 (echo)"),
        ("echo flask | tee /r.txt && pip install -r /r.txt", "pip: unsure: /r.txt: made by line 4 (tee)"),
        ("patch requirements.txt < x && pip install -r requirements.txt", ("pip: requirements.txt; "
         "unsure: requirements.txt: changed by line 4 (patch)")),
        ("sort requirements.txt && sed s/a/b/ requirements.txt && pip install -r requirements.txt",
         "pip: requirements.txt"),
        ("mv -t /r requirements.txt && pip install -r /r/requirements.txt", "pip: requirements.txt"),
        ("cp *.txt /r/ && ln -s /r /s && pip install -r /s/requirements.txt", "pip: requirements.txt"),
        ("rm requirements.txt && pip install -r requirements.txt", "pip: unsure: requirements.txt: removed by line 4"),
        ("tar xf /x.tar -C /x && pip install -r /x/r.txt", "pip: unsure: /x/r.txt: unpacked by line 4"),
        ("tar xf /x.tar -C /app && pip install -r requirements.txt", "pip: requirements.txt"),
        ("curl -sSOL https://x.org/r.txt && pip install -r r.txt", "pip: unsure: r.txt: downloaded by line 4"),
        ("wget -P /r https://x.org/r.txt?a=b && pip install -r /r/r.txt", "pip: unsure: /r/r.txt: downloaded by line 4"),
        ("generate --output /r.txt && pip install -r /r.txt", "pip: unsure: /r.txt: made by line 4 (generate)"),
        ("generate | pip install -r /dev/stdin", ("pip: unsure: its requirements come through a pipe that cannot be "
         "followed")),
        ("cat < requirements.txt | grep -v x | xargs -r pip install", ("pip: requirements.txt; unsure: it is what grep "
         "leaves of what comes before it; unsure: its requirements come through xargs, which reads words and not lines")),
        ("xargs -a requirements.txt pip install", ("pip: requirements.txt; unsure: its requirements come through xargs, "
         "which reads words and not lines")),
        ("pip install -r <(cat requirements.txt)", "pip: requirements.txt"),
        ("pip install -r <(generate)", "pip: unsure: <(generate): what it stands for is known only when it runs"),
        ("pip install -r `ls *.txt`", "pip: unsure: `ls *.txt`: what it stands for is known only when it runs"),
        ("pip install -e $(pwd)", "pip: unsure: $(pwd): what it stands for is known only when it runs"),
        ("pip install -r ~/requirements.txt", ("pip: requirements.txt; unsure: ${HOME}/requirements.txt: taken to be "
         "requirements.txt, which is copied to a folder whose name is not known here")),
        ("bash -c 'if true; then pip install flask'", ("pip: unsure: pip install: the command cannot be read: "
         "a compound command (if) is not closed")),
        ("su app --command 'pip install flask'", "pip: names flask"),
        ("unset A; read B; pip install $A b$B", "pip: names b${B}; unsure: b${B}: the value of $B is not known"),
        ("cd - && pip install -r x.txt", "pip: unsure: x.txt: nothing copies it from the build context"),
        ("uv tool install ruff", "uv: names ruff"),
        ("uv pip install -r requirements.txt --override /over.txt", ("uv-pip: requirements.txt; unsure: /over.txt: "
         "nothing copies it from the build context")),
        ("pipenv install --skip-lock", "pipenv: Pipfile (without default groups)"),
        ("pdm install --no-self -L pdm.lock", "pdm: pdm.lock, pyproject.toml"),
        ("poetry -C /nowhere install --no-root", ("poetry: unsure: /nowhere/pyproject.toml: "
         "nothing copies it from the build context")),
        ("for d in /app; do cd $d; uv sync --frozen --no-install-project; done",
         "uv: uv.lock, pyproject.toml; unsure: uv sync --frozen --no-install-project: it runs in a loop"),
    ],
)  # fmt: skip
def test_find_install_steps__commands(run: str, line: str) -> None:
    steps = steps_of(
        f"FROM python\nCOPY . /app\nWORKDIR /app\nRUN {run}",
        "requirements.txt pyproject.toml uv.lock poetry.lock pdm.lock Pipfile",
    )
    assert [tell(step).removeprefix("4 ") for step in steps] == [line]


@pytest.mark.parametrize(
    "run",
    [
        "pip --version",
        "pip freeze > /r.txt",
        "pip install --dry-run flask",
        "pip uninstall -y flask",
        "python app.py install",
        "python -c 'import pip; pip.main()'",
        "uv venv && uv lock && uv python install 3.13",
        "poetry lock && poetry config virtualenvs.create false",
        "command -v pip install",
        "echo pip install flask",
        "apt-get install -y pip",
        "npm install",
        "",
    ],
)
def test_find_install_steps__commands_that_install_nothing(run: str) -> None:
    assert told(f"FROM python\nRUN {run}") == []


@pytest.mark.parametrize(
    ("copy", "why"),
    [
        ("COPY *.txt /", "hidden.txt is excluded by .dockerignore line 1"),
        ("COPY hidden.txt /", "hidden.txt is excluded by .dockerignore line 1 (line 3 copies it)"),
        ("COPY . /", "hidden.txt is excluded by .dockerignore line 1 (line 3 copies it)"),
        ("COPY [a /", "nothing copies it from the build context"),
        ("COPY [a hidden.txt* /", "hidden.txt is excluded by .dockerignore line 1"),
        ("COPY --exclude=[ other /", "nothing copies it from the build context"),
        ("ADD app.tar.gz /", "it may be unpacked from app.tar.gz by line 3"),
        ("ADD --unpack=false app.tar.gz /", "nothing copies it from the build context"),
        ("ADD https://github.com/x/y.git /", "cloned by line 3"),
        ("ADD https://x.org/hidden.txt /", "downloaded by line 3"),
        ("ADD https://[ /hidden.txt", "downloaded by line 3"),
        ("COPY --from=other /r/*.txt /", "it may come from 'other', which is no stage before this one"),
        ("COPY --from=0 /r/h*.txt /", "nothing copies it from the build context"),
        ("COPY ${ /", "nothing copies it from the build context"),
    ],
)
def test_find_install_steps__why_a_file_is_not_found(copy: str, why: str) -> None:
    steps = steps_of(
        f"FROM python\nFROM python AS last\n{copy}\nRUN pip install -r /hidden.txt",
        "other/x hidden.txt app.tar.gz",
        ignore="hidden.txt",
    )
    assert [step.unresolved for step in steps] == [(f"/hidden.txt: {why}",)]


@pytest.mark.parametrize(
    ("copies", "path", "found"),
    [
        ("COPY a/*.txt /r/", "/r/b.txt", "a/b.txt"),
        ("COPY --from=0 /r/*.txt /q/", "/q/b.txt", "a/b.txt"),
        ("COPY --from=first /r/b.txt /q", "/q", "a/b.txt"),
        ("COPY --from=first / /all", "/all/r/b.txt", "a/b.txt"),
        ("COPY --from=first r /q", "/q/b.txt", "a/b.txt"),
        ("COPY --from=first /r /q/", "/q/b.txt", "a/b.txt"),
        ("COPY --parents a/b.txt /p/", "/p/a/b.txt", "a/b.txt"),
        ("COPY --parents ./**/b.txt /p/", "/p/a/b.txt", "a/b.txt"),
        ("COPY --parents a/./b.txt /p/", "/p/b.txt", "a/b.txt"),
        ('COPY ["a/b.txt", "/with space/"]', "'/with space/b.txt'", "a/b.txt"),
        ("WORKDIR /w\nCOPY a .", "b.txt", "a/b.txt"),
        ("WORKDIR /w\nCOPY a/b.txt ..", "/b.txt", "a/b.txt"),
        ("COPY a /r/\nCOPY a/c.txt /r/b.txt", "/r/b.txt", "a/c.txt"),
    ],
)
def test_find_install_steps__ways_of_a_file(copies: str, path: str, found: str) -> None:
    (step,) = steps_of(
        f"FROM python AS first\nCOPY a /r\nFROM python\n{copies}\nRUN pip install -r {path}", "a/b.txt a/c.txt"
    )
    assert ([one.path for one in step.wanted], step.unresolved) == ([found], ())


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ('SHELL ["python3", "-c"]\nRUN pip install flask', "pip install: it is not a shell script but one for python3"),
        (
            "RUN <<EOF\n#!/usr/bin/perl\npip install flask\nEOF",
            "pip install: it is not a shell script but one for perl",
        ),
    ],
)
def test_find_install_steps__scripts_for_something_else(run: str, why: str) -> None:
    (step,) = steps_of(f"FROM python\n{run}")
    assert step.unresolved == (why,)


def test_find_install_steps__what_is_known_of_a_base_image() -> None:
    dockerfile = parse_dockerfile(
        "FROM lambda\nCOPY requirements.txt ${TASK_ROOT}/\nRUN pip install -r requirements.txt -r $NOTHING/x.txt"
    )
    files = FilesInMemory({"requirements.txt"})
    images = {"lambda": ImageConfig(workdir="/var/task", environment={"TASK_ROOT": "/var/task"})}
    (step,) = find_install_steps(dockerfile, files, images=images)
    assert tell(step) == "3 pip: requirements.txt; unsure: /x.txt: nothing copies it from the build context"


def test_find_install_steps__named_contexts_come_before_stages() -> None:
    dockerfile = parse_dockerfile(
        "FROM scratch AS files\nCOPY requirements.txt /\nFROM python\nCOPY --from=files /requirements.txt /\n"
        "RUN pip install -r /requirements.txt"
    )
    files = FilesInMemory({"requirements.txt"})
    assert [tell(step) for step in find_install_steps(dockerfile, files)] == ["5 pip: requirements.txt"]
    (step,) = find_install_steps(dockerfile, files, build_contexts=["Files"])
    assert step.unresolved == ("/requirements.txt: it may come from the build context 'files'",)


def test_find_install_steps__the_platform_chooses_the_file() -> None:
    text = "FROM python\nARG TARGETARCH\nCOPY r-*.txt /\nRUN pip install -r /r-${TARGETARCH}.txt"
    (step,) = steps_of(text, "r-arm64.txt r-amd64.txt", platform="linux/arm64")
    assert tell(step) == "4 pip: r-arm64.txt"
    (step,) = steps_of(text, "r-arm64.txt r-amd64.txt")
    assert step.unresolved == ("/r-${TARGETARCH}.txt: the value of $TARGETARCH is not known",)


def test_find_install_steps__a_stage_sees_only_those_before_it() -> None:
    assert told(
        "FROM python AS a\nCOPY --from=b /r.txt /\nRUN pip install -r /r.txt\nFROM a AS b\nCOPY r.txt /", "r.txt"
    ) == ["3 pip: unsure: /r.txt: it may come from 'b', which is no stage before this one"]


def test_find_install_steps__unknown_target() -> None:
    with pytest.raises(InputError, match="no stage 'prod'"):
        find_install_steps(parse_dockerfile("FROM python AS production"), FilesInMemory(ignore=Ignore()), "prod")
