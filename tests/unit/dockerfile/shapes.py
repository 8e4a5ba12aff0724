"""Dockerfiles of the shapes that people write, and what there is to say of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Shape:
    """`files` are the names in the build context; `steps` as `tell` tells them."""

    name: str
    dockerfile: str
    files: str = ""
    ignore: str = ""
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...]


SHAPES = (
    Shape(
        name="requirements first",
        dockerfile="""\
FROM python:3.13-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
CMD ["python", "app.py"]
""",
        files="requirements.txt app.py",
        steps=("4 pip: requirements.txt",),
    ),
    Shape(
        name="everything first",
        dockerfile="""\
FROM python:3.13
COPY . /srv/app
WORKDIR /srv/app
RUN pip install -r requirements.txt
""",
        files="requirements.txt app.py",
        steps=("4 pip: requirements.txt",),
    ),
    Shape(
        name="no working directory at all",
        dockerfile="""\
FROM python:3.13
ADD requirements.txt requirements.txt
RUN pip3 install -r ./requirements.txt
""",
        files="requirements.txt",
        steps=("3 pip: requirements.txt",),
    ),
    Shape(
        name="venv in a builder stage",
        dockerfile="""\
FROM python:3.13 AS builder
RUN python -m venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"
COPY requirements.txt .
RUN pip install -r requirements.txt

FROM python:3.13-slim
COPY --from=builder /opt/venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"
COPY . /app
""",
        files="requirements.txt",
        steps=("5 pip: requirements.txt",),
    ),
    Shape(
        name="venv made and used in one command",
        dockerfile="""\
FROM debian:12
RUN apt-get update && apt-get install -y python3-venv python3-pip && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /tmp/
RUN python3 -m venv /venv && \\
    . /venv/bin/activate && \\
    pip install -U pip setuptools wheel && \\
    /venv/bin/pip install -r /tmp/requirements.txt
""",
        files="requirements.txt",
        steps=("4 pip: requirements.txt; names pip setuptools wheel",),
    ),
    Shape(
        name="not root",
        dockerfile="""\
FROM python:3.13-slim
RUN useradd --create-home app
USER app
WORKDIR /home/app
COPY --chown=app:app requirements.txt ./
RUN pip install --user -r requirements.txt
""",
        files="requirements.txt",
        steps=("6 pip: requirements.txt",),
    ),
    Shape(
        name="target folder for a distroless image",
        dockerfile="""\
FROM python:3.11-slim AS deps
COPY requirements.txt /
RUN ["pip", "install", "--target=/deps", "-r", "/requirements.txt"]
FROM gcr.io/distroless/python3
COPY --from=deps /deps /deps
""",
        files="requirements.txt",
        steps=("3 pip: requirements.txt",),
    ),
    Shape(
        name="prefix folder",
        dockerfile="""\
FROM python:3.11 as base
FROM base as builder
RUN mkdir /install
WORKDIR /install
COPY requirements.txt /requirements.txt
RUN pip install --prefix=/install -r /requirements.txt
FROM base
COPY --from=builder /install /usr/local
""",
        files="requirements.txt",
        steps=("6 pip: requirements.txt",),
    ),
    Shape(
        name="bind mount of one file",
        dockerfile="""\
# syntax=docker/dockerfile:1
FROM python:3.13-slim
RUN --mount=type=cache,target=/root/.cache/pip \\
    --mount=type=bind,source=requirements.txt,target=requirements.txt \\
    python -m pip install -r requirements.txt
""",
        files="requirements.txt",
        steps=("3 pip: requirements.txt",),
    ),
    Shape(
        name="bind mount of the whole context",
        dockerfile="""\
FROM python:3.13-slim
WORKDIR /app
RUN --mount=target=/src cd /src/services/api && pip install -r requirements.txt
RUN --mount=type=bind,rw,dst=. pip install .
""",
        files="services/api/requirements.txt pyproject.toml",
        steps=(
            "3 pip: services/api/requirements.txt",
            "4 pip: pyproject.toml (without default groups); project .",
        ),
    ),
    Shape(
        name="bind mount from another stage",
        dockerfile="""\
FROM scratch AS files
COPY deps/requirements.txt /r/requirements.txt
FROM python:3.13
RUN --mount=type=bind,from=files,source=/r,target=/r,ro pip install -r /r/requirements.txt
""",
        files="deps/requirements.txt",
        steps=("4 pip: deps/requirements.txt",),
    ),
    Shape(
        name="monorepo, context above the service",
        dockerfile="""\
FROM python:3.12
ARG SERVICE=billing
WORKDIR /srv/$SERVICE
COPY libs/common /srv/libs/common
COPY services/${SERVICE}/requirements ./requirements
RUN pip install -r requirements/base.txt -r requirements/prod.txt -e /srv/libs/common
""",
        files="services/billing/requirements/base.txt services/billing/requirements/prod.txt libs/common/setup.py",
        steps=(
            (
                "6 pip: services/billing/requirements/base.txt, services/billing/requirements/prod.txt, "
                "libs/common/setup.py (without default groups); project -e /srv/libs/common"
            ),
        ),
    ),
    Shape(
        name="monorepo, build argument chooses the service",
        dockerfile="""\
ARG SERVICE
FROM python:3.12
ARG SERVICE
COPY services/$SERVICE/requirements.txt /app/
RUN pip install -r /app/requirements.txt
""",
        files="services/billing/requirements.txt services/shop/requirements.txt",
        build_args={"SERVICE": "shop"},
        steps=("5 pip: services/shop/requirements.txt",),
    ),
    Shape(
        name="requirements and constraints, several COPY sources",
        dockerfile="""\
FROM python:3.12
COPY requirements.txt constraints.txt requirements-dev.txt /code/
WORKDIR /code
RUN pip install --no-cache-dir \\
      --requirement requirements.txt \\
      # tests run in this image too
      -rrequirements-dev.txt \\
      --constraint=constraints.txt
""",
        files="requirements.txt constraints.txt requirements-dev.txt",
        steps=("4 pip: requirements.txt, requirements-dev.txt, constraints constraints.txt",),
    ),
    Shape(
        name="globs",
        dockerfile="""\
FROM python:3.12
COPY requirements*.txt setup.[pc]* ./
RUN pip install -r requirements.txt -r requirements_test.txt
""",
        files="requirements.txt requirements_test.txt setup.py",
        steps=("3 pip: requirements.txt, requirements_test.txt",),
    ),
    Shape(
        name="file renamed on the way",
        dockerfile="""\
FROM python:3.12
COPY requirements/production.txt /tmp/requirements.txt
RUN pip install -r /tmp/requirements.txt && rm /tmp/requirements.txt
""",
        files="requirements/production.txt",
        steps=("3 pip: requirements/production.txt",),
    ),
    Shape(
        name="folder without a slash after it",
        dockerfile="""\
FROM python:3.12
WORKDIR /app
COPY requirements.txt /app
RUN pip install -r requirements.txt
""",
        files="requirements.txt",
        steps=("4 pip: requirements.txt",),
    ),
    Shape(
        name="later COPY wins",
        dockerfile="""\
FROM python:3.12
WORKDIR /app
COPY old.txt requirements.txt
COPY new.txt requirements.txt
RUN pip install -r requirements.txt
""",
        files="old.txt new.txt",
        steps=("5 pip: new.txt",),
    ),
    Shape(
        name="relative working directories",
        dockerfile="""\
FROM python:3.12
WORKDIR /srv
WORKDIR app
WORKDIR ../api
COPY requirements.txt ../api/
RUN pip install -r /srv/api/requirements.txt
""",
        files="requirements.txt",
        steps=("6 pip: requirements.txt",),
    ),
    Shape(
        name="heredoc script",
        dockerfile="""\
FROM python:3.12
COPY requirements.txt /r.txt
RUN <<EOF
set -eux
python -m venv /venv
/venv/bin/pip install --upgrade pip
/venv/bin/pip install -r /r.txt
EOF
""",
        files="requirements.txt",
        steps=("3 pip: requirements.txt; names pip",),
    ),
    Shape(
        name="heredoc for bash, with tabs and a shebang",
        dockerfile="""\
FROM python:3.12
COPY requirements.txt /r.txt
RUN <<-"EOF"
	#!/usr/bin/env bash
	pip install -r /r.txt
	EOF
RUN bash -ex <<SCRIPT
pip install flask
SCRIPT
""",
        files="requirements.txt",
        steps=("3 pip: requirements.txt", "7 pip: names flask"),
    ),
    Shape(
        name="heredoc with a space before its name",
        dockerfile="""\
FROM python:3.12
COPY requirements.txt /r.txt
RUN << EOF
pip install -r /r.txt
EOF
""",
        files="requirements.txt",
        steps=("3 pip: requirements.txt",),
    ),
    Shape(
        name="heredoc file",
        dockerfile="""\
FROM python:3.12
COPY <<EOF /requirements.txt
flask==3.0
EOF
RUN pip install -r /requirements.txt
""",
        steps=("5 pip: unsure: /requirements.txt: written in the Dockerfile by line 2",),
    ),
    Shape(
        name="exec form with a shell",
        dockerfile="""\
FROM python:3.12
COPY requirements.txt /
RUN ["/bin/bash", "-o", "pipefail", "-c", "pip install -r /requirements.txt | tee /log"]
""",
        files="requirements.txt",
        steps=("3 pip: requirements.txt",),
    ),
    Shape(
        name="SHELL with conda",
        dockerfile="""\
FROM continuumio/miniconda3
RUN conda create -n app python=3.12
SHELL ["conda", "run", "--no-capture-output", "-n", "app", "/bin/bash", "-c"]
COPY requirements.txt .
RUN pip install -r requirements.txt
""",
        files="requirements.txt",
        steps=("5 pip: requirements.txt",),
    ),
    Shape(
        name="conda run",
        dockerfile="""\
FROM continuumio/miniconda3
COPY requirements.txt .
RUN conda run -n app --no-capture-output python -m pip install -r requirements.txt
""",
        files="requirements.txt",
        steps=("3 pip: requirements.txt",),
    ),
    Shape(
        name="Windows paths and backquotes",
        dockerfile="""\
# escape=`
FROM mcr.microsoft.com/windows/servercore:ltsc2022
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
WORKDIR C:\\app
COPY requirements.txt C:\\app\\
RUN python -m pip install `
      -r C:\\app\\requirements.txt
""",
        files="requirements.txt",
        steps=("6 pip: requirements.txt",),
    ),
    Shape(
        name="uv with bind mounts, then the project",
        dockerfile="""\
FROM python:3.13-slim
COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /uvx /bin/
WORKDIR /app
ENV UV_LINK_MODE=copy
RUN --mount=type=cache,target=/root/.cache/uv \\
    --mount=type=bind,source=uv.lock,target=uv.lock \\
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \\
    uv sync --locked --no-install-project --no-dev
COPY . /app
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-dev
""",
        files="uv.lock pyproject.toml app/main.py",
        steps=(
            "5 uv: uv.lock (without dev), pyproject.toml (without dev)",
            "10 uv: uv.lock (without dev), pyproject.toml (without dev); project .",
        ),
    ),
    Shape(
        name="uv sync with groups and extras",
        dockerfile="""\
FROM ghcr.io/astral-sh/uv:python3.13-bookworm-slim
COPY . /work
RUN uv --directory /work sync --frozen --extra web --group docs --no-group lint --no-default-groups
RUN uv sync --project /work --only-group build
RUN cd /work && UV_NO_DEV=1 uv sync --all-extras --all-groups
""",
        files="uv.lock pyproject.toml",
        steps=(
            (
                "3 uv: uv.lock (extra web, group docs, without lint, without default groups), "
                "pyproject.toml (extra web, group docs, without lint, without default groups); project /work"
            ),
            "4 uv: uv.lock (only build), pyproject.toml (only build)",
            (
                "5 uv: uv.lock (all extras, all groups, without dev), "
                "pyproject.toml (all extras, all groups, without dev); project ."
            ),
        ),
    ),
    Shape(
        name="uv workspace member",
        dockerfile="""\
FROM python:3.13
WORKDIR /repo
COPY uv.lock pyproject.toml ./
COPY packages/api/pyproject.toml packages/api/
RUN cd packages/api && uv sync --frozen --no-install-workspace
""",
        files="uv.lock pyproject.toml packages/api/pyproject.toml",
        steps=("5 uv: uv.lock, packages/api/pyproject.toml, pyproject.toml",),
    ),
    Shape(
        name="uv pip",
        dockerfile="""\
FROM python:3.13
COPY pyproject.toml requirements.txt pins.txt ./
RUN uv pip install --system --no-cache -r requirements.txt -c pins.txt
RUN uv pip install --system -r pyproject.toml --extra web --group docs
RUN uv pip sync --system requirements.txt
""",
        files="pyproject.toml requirements.txt pins.txt",
        steps=(
            "3 uv-pip: requirements.txt, constraints pins.txt",
            (
                "4 uv-pip: pyproject.toml (extra web, without default groups), "
                "pyproject.toml (group docs, without the project's own, without default groups)"
            ),
            "5 uv-pip: requirements.txt",
        ),
    ),
    Shape(
        name="uv exports, pip installs",
        dockerfile="""\
FROM python:3.13 AS lock
COPY pyproject.toml uv.lock ./
RUN uv export --frozen --no-dev --no-hashes -o /requirements.txt
FROM python:3.13
COPY --from=lock /requirements.txt .
RUN pip install -r requirements.txt
""",
        files="uv.lock pyproject.toml",
        steps=("6 pip: uv.lock (without dev), pyproject.toml (without dev)",),
    ),
    Shape(
        name="poetry in one stage",
        dockerfile="""\
FROM python:3.12
ENV POETRY_VIRTUALENVS_CREATE=false
RUN pip install "poetry==1.8.3"
WORKDIR /app
COPY pyproject.toml poetry.lock ./
RUN poetry install --no-interaction --no-ansi --no-root --only main
COPY . .
RUN poetry install --only-root
""",
        files="pyproject.toml poetry.lock",
        steps=(
            "3 pip: names poetry==1.8.3",
            "6 poetry: poetry.lock (only main), pyproject.toml (only main)",
            "8 poetry: pyproject.toml (without default groups); project .",
        ),
    ),
    Shape(
        name="poetry installed and used in one command, lock optional",
        dockerfile="""\
FROM python:3.12
COPY pyproject.toml poetry.lock* /app/
RUN pip install poetry && poetry -C /app install --with web,admin --without lint -E "pg redis"
""",
        files="pyproject.toml",
        steps=(
            (
                "3 poetry: pyproject.toml (extra pg, extra redis, group admin, group web, without lint); "
                "names poetry; project /app"
            ),
        ),
    ),
    Shape(
        name="poetry exports in a stage of its own",
        dockerfile="""\
FROM python:3.12 AS requirements
WORKDIR /tmp
RUN pip install poetry poetry-plugin-export
COPY ./pyproject.toml ./poetry.lock* /tmp/
RUN poetry export -f requirements.txt --output requirements.txt --without-hashes --with web

FROM python:3.12
WORKDIR /code
COPY --from=requirements /tmp/requirements.txt /code/requirements.txt
RUN pip install --no-cache-dir --upgrade -r /code/requirements.txt
""",
        files="pyproject.toml poetry.lock",
        steps=(
            "3 pip: names poetry poetry-plugin-export",
            (
                "10 pip: poetry.lock (group web, without default groups), "
                "pyproject.toml (group web, without default groups)"
            ),
        ),
    ),
    Shape(
        name="poetry export through a pipe and a process substitution",
        dockerfile="""\
FROM python:3.12
SHELL ["/bin/bash", "-c"]
COPY pyproject.toml poetry.lock ./
RUN poetry export | pip install -r /dev/stdin
RUN pip install -r <(poetry export --only main)
""",
        files="pyproject.toml poetry.lock",
        steps=(
            "4 pip: poetry.lock (without default groups), pyproject.toml (without default groups)",
            (
                "5 pip: poetry.lock (only main, without default groups), "
                "pyproject.toml (only main, without default groups)"
            ),
        ),
    ),
    Shape(
        name="pdm",
        dockerfile="""\
FROM python:3.12
RUN pip install -U pdm
WORKDIR /project
COPY pyproject.toml pdm.lock README.md /project/
RUN pdm install --check --prod --no-editable
RUN pdm sync --prod -G web,pg --no-self
RUN pdm sync -dG :all --no-default -p /project
""",
        files="pyproject.toml pdm.lock README.md",
        steps=(
            "2 pip: names pdm",
            "5 pdm: pdm.lock (without default groups), pyproject.toml (without default groups); project .",
            (
                "6 pdm: pdm.lock (group pg, group web, without default groups), "
                "pyproject.toml (group pg, group web, without default groups)"
            ),
            (
                "7 pdm: pdm.lock (all extras, all groups, without the project's own), "
                "pyproject.toml (all extras, all groups, without the project's own)"
            ),
        ),
    ),
    Shape(
        name="pipenv",
        dockerfile="""\
FROM python:3.12
WORKDIR /app
COPY Pipfile Pipfile.lock ./
RUN python -m pip install --upgrade pip pipenv && pipenv install --system --deploy --dev
RUN pipenv sync --system
RUN pipenv requirements > requirements.txt && pip install -r requirements.txt
""",
        files="Pipfile Pipfile.lock",
        steps=(
            (
                "4 pipenv: Pipfile.lock (group dev, without default groups), "
                "Pipfile (group dev, without default groups); names pip pipenv"
            ),
            "5 pipenv: Pipfile.lock (without default groups), Pipfile (without default groups)",
            "6 pip: Pipfile.lock (without default groups), Pipfile (without default groups)",
        ),
    ),
    Shape(
        name="old pipenv",
        dockerfile="""\
FROM python:3.8
COPY Pipfile* /src/
RUN cd /src && pipenv lock -r > requirements.txt && pip install -r requirements.txt
ENV PIPENV_PIPFILE=/src/Pipfile
RUN pipenv install -r /src/requirements.txt
""",
        files="Pipfile Pipfile.lock",
        steps=(
            "3 pip: Pipfile.lock (without default groups), Pipfile (without default groups)",
            "5 pipenv: Pipfile.lock (without default groups), Pipfile (without default groups)",
        ),
    ),
    Shape(
        name="wheels built in one stage and installed in the next",
        dockerfile="""\
FROM python:3.12 AS wheels
WORKDIR /build
COPY requirements.txt .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels -r requirements.txt

FROM python:3.12-slim
COPY --from=wheels /wheels /wheels
COPY --from=wheels /build/requirements.txt .
RUN pip install --no-index --find-links=/wheels -r requirements.txt
RUN pip install --no-cache /wheels/*
""",
        files="requirements.txt",
        steps=(
            "4 pip wheels: requirements.txt",
            "9 pip: requirements.txt",
            "10 pip: requirements.txt; project /wheels/*",
        ),
    ),
    Shape(
        name="wheels mounted from a stage",
        dockerfile="""\
FROM python:3.12 AS build
COPY . /src
RUN pip wheel -w /dist /src && pip download -d /dist -r /src/requirements.txt
FROM python:3.12-slim
RUN --mount=from=build,source=/dist,target=/dist pip install /dist/*.whl
""",
        files="requirements.txt pyproject.toml",
        steps=(
            "3 pip wheels: pyproject.toml (without default groups), requirements.txt; project /src",
            "5 pip: pyproject.toml (without default groups), requirements.txt; project /dist/*.whl",
        ),
    ),
    Shape(
        name="the project with extras",
        dockerfile="""\
FROM python:3.12
WORKDIR /app
COPY pyproject.toml setup.cfg ./
COPY src src
RUN pip install --no-cache-dir .[web,pg]
RUN pip install -e ".[dev]"
RUN pip install --group test
""",
        files="pyproject.toml setup.cfg src/app.py",
        steps=(
            (
                "5 pip: pyproject.toml (extra pg, extra web, without default groups), "
                "setup.cfg (extra pg, extra web, without default groups); project .[web,pg]"
            ),
            (
                "6 pip: pyproject.toml (extra dev, without default groups), "
                "setup.cfg (extra dev, without default groups); project -e .[dev]"
            ),
            "7 pip: pyproject.toml (group test, without the project's own, without default groups)",
        ),
    ),
    Shape(
        name="names only",
        dockerfile="""\
FROM python:3.12
RUN pip install --no-cache-dir "fastapi[standard]>=0.115,<0.116" 'gunicorn==22.*' \\
    git+https://github.com/psf/requests@v2.32.0 "httpx @ https://example.org/httpx.zip"
RUN pip install --extra-index-url https://user:secret@example.org/simple private
""",
        steps=(
            (
                "2 pip: names fastapi[standard]>=0.115,<0.116 gunicorn==22.* git+https://github.com/psf/requests@v2.32.0 "
                "httpx @ https://example.org/httpx.zip"
            ),
            "4 pip: names private",
        ),
    ),
    Shape(
        name="build argument names the file",
        dockerfile="""\
ARG PYTHON=3.12
FROM python:${PYTHON}
ARG REQUIREMENTS=requirements/prod.txt
COPY requirements /app/requirements
WORKDIR /app
RUN pip install -r ${REQUIREMENTS}
""",
        files="requirements/prod.txt requirements/dev.txt",
        build_args={"REQUIREMENTS": "requirements/dev.txt"},
        steps=("6 pip: requirements/dev.txt",),
    ),
    Shape(
        name="options in a variable",
        dockerfile="""\
FROM python:3.12
ENV PIP_OPTIONS="--no-cache-dir --upgrade -c /c.txt" PIP_INDEX_URL=https://example.org/simple
COPY r.txt c.txt /
RUN pip install $PIP_OPTIONS -r /r.txt
""",
        files="r.txt c.txt",
        steps=("4 pip: r.txt, constraints c.txt",),
    ),
    Shape(
        name="constraints from the environment",
        dockerfile="""\
FROM python:3.12
COPY r.txt c.txt /
ENV PIP_CONSTRAINT=/c.txt
RUN pip install -r /r.txt
RUN PIP_CONSTRAINT= PIP_BUILD_CONSTRAINT=/c.txt pip install -r /r.txt
""",
        files="r.txt c.txt",
        steps=("4 pip: r.txt, constraints c.txt", "5 pip: r.txt, constraints c.txt"),
    ),
    Shape(
        name="development requirements on a condition",
        dockerfile="""\
FROM python:3.12
ARG DEV=false
COPY requirements*.txt /tmp/
RUN python -m venv /py && \\
    /py/bin/pip install -r /tmp/requirements.txt && \\
    if [ $DEV = "true" ]; \\
        then /py/bin/pip install -r /tmp/requirements.dev.txt ; \\
    fi && \\
    rm -rf /tmp
""",
        files="requirements.txt requirements.dev.txt",
        steps=(
            (
                "4 pip: requirements.txt, requirements.dev.txt; "
                "unsure: /py/bin/pip install -r /tmp/requirements.dev.txt: it runs only on a condition (if)"
            ),
        ),
    ),
    Shape(
        name="sudo, env, exec and a subshell",
        dockerfile="""\
FROM python:3.12
COPY a.txt b.txt c.txt d.txt /r/
RUN sudo -H -u app pip3 install -r /r/a.txt
RUN env PIP_NO_CACHE_DIR=1 python3.12 -Im pip install -r /r/b.txt
RUN (cd /r; exec pip install -qr c.txt); pip install -r /r/d.txt || true
RUN su app -c 'cd /r && pip install --user -r a.txt'
""",
        files="a.txt b.txt c.txt d.txt",
        steps=("3 pip: a.txt", "4 pip: b.txt", "5 pip: c.txt, d.txt", "6 pip: a.txt"),
    ),
    Shape(
        name="build tools around the install",
        dockerfile="""\
FROM python:3.12-alpine
COPY ./requirements.txt /code/
RUN set -ex \\
    && apk add --no-cache --virtual .build-deps gcc musl-dev \\
    && pip install --no-cache-dir -r /code/requirements.txt \\
    && apk del .build-deps
""",
        files="requirements.txt",
        steps=("3 pip: requirements.txt",),
    ),
    Shape(
        name="requirements compiled in the build",
        dockerfile="""\
FROM python:3.12
COPY requirements.in .
RUN pip install pip-tools && pip-compile requirements.in && pip-sync
""",
        files="requirements.in",
        steps=(
            (
                "3 pip: requirements.in; names pip-tools; "
                "unsure: requirements.txt: made by line 3, from what the index has at the time"
            ),
        ),
    ),
    Shape(
        name="requirements changed in the build",
        dockerfile="""\
FROM python:3.12
WORKDIR /app
COPY requirements.txt .
RUN sed -i '/pywin32/d' requirements.txt
RUN pip install -r requirements.txt
RUN grep -v torch requirements.txt > slim.txt && pip install -r slim.txt
""",
        files="requirements.txt",
        steps=(
            "5 pip: requirements.txt; unsure: requirements.txt: changed by line 4 (sed)",
            (
                "6 pip: requirements.txt; unsure: slim.txt: requirements.txt: changed by line 4 (sed); "
                "it is what grep leaves of requirements.txt"
            ),
        ),
    ),
    Shape(
        name="requirements moved about in the build",
        dockerfile="""\
FROM python:3.12
COPY . /src
RUN mkdir /app && cp /src/requirements.txt /app/ && cp -r /src/requirements /app && mv /src/extra.txt /app/more.txt
RUN cat /src/requirements.txt /app/more.txt > /all.txt
WORKDIR /app
RUN pip install -r requirements.txt -r requirements/web.txt -r more.txt
RUN pip install -r /all.txt
""",
        files="requirements.txt requirements/web.txt extra.txt",
        steps=(
            "6 pip: requirements.txt, requirements/web.txt, extra.txt",
            "7 pip: requirements.txt, extra.txt",
        ),
    ),
    Shape(
        name="requirements fetched in the build",
        dockerfile="""\
FROM python:3.12
RUN curl -fsSLo /r.txt https://example.org/r.txt && pip install -r /r.txt
RUN wget https://example.org/w.txt && pip install -r w.txt
ADD https://example.org/a.txt /a/
RUN pip install -r /a/a.txt
RUN git clone https://github.com/x/app /app && pip install -r /app/requirements.txt
RUN pip install -r https://example.org/direct.txt
""",
        steps=(
            "2 pip: unsure: /r.txt: downloaded by line 2",
            "3 pip: unsure: w.txt: downloaded by line 3",
            "5 pip: unsure: /a/a.txt: downloaded by line 4",
            "6 pip: unsure: /app/requirements.txt: cloned by line 6",
            "7 pip: unsure: https://example.org/direct.txt: read from the network",
        ),
    ),
    Shape(
        name="requirements through words of the shell",
        dockerfile="""\
FROM python:3.12
COPY requirements.txt .
RUN pip install $(cat requirements.txt)
RUN xargs pip install < requirements.txt
RUN cat requirements.txt | xargs -n 1 pip install
RUN grep -v '^#' requirements.txt | pip install -r /dev/stdin
RUN while read p; do pip install $p; done < requirements.txt
""",
        files="requirements.txt",
        steps=(
            "3 pip: requirements.txt; unsure: $(cat requirements.txt): what it stands for is known only when it runs",
            "4 pip: requirements.txt; unsure: its requirements come through xargs, which reads words and not lines",
            "5 pip: requirements.txt; unsure: its requirements come through xargs, which reads words and not lines",
            "6 pip: requirements.txt; unsure: it is what grep leaves of requirements.txt",
            "7 pip: unsure: ${p}: the value of $p is not known; unsure: pip install ${p}: it runs in a loop",
        ),
    ),
    Shape(
        name="left out by .dockerignore",
        dockerfile="""\
FROM python:3.12
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt
COPY requirements/prod.txt .
RUN pip install -r prod.txt
""",
        files="requirements.txt requirements/prod.txt",
        ignore="# comment\n*.txt\n!requirements/*.txt\nrequirements/prod*\n",
        steps=(
            "4 pip: unsure: requirements.txt: requirements.txt is excluded by .dockerignore line 2 (line 3 copies it)",
            "6 pip: unsure: prod.txt: requirements/prod.txt is excluded by .dockerignore line 4 (line 5 copies it)",
        ),
    ),
    Shape(
        name="missing file",
        dockerfile="""\
FROM python:3.12
COPY requirements.txt .
RUN pip install -r requirements.txt
RUN pip install -r other.txt
""",
        steps=(
            "3 pip: unsure: requirements.txt: requirements.txt is not in the build context (line 2 copies it)",
            "4 pip: unsure: other.txt: nothing copies it from the build context",
        ),
    ),
    Shape(
        name="from an image nobody here knows",
        dockerfile="""\
FROM python:3.12
COPY --from=company/base:1 /opt/requirements.txt /opt/
RUN pip install -r /opt/requirements.txt
RUN pip install -r /etc/requirements.txt
""",
        steps=(
            (
                "3 pip: unsure: /opt/requirements.txt: it may come from 'company/base:1', "
                "which is no stage before this one"
            ),
            "4 pip: unsure: /etc/requirements.txt: nothing copies it from the build context",
        ),
    ),
    Shape(
        name="target leaves stages out",
        dockerfile="""\
FROM python:3.12 AS base
COPY requirements.txt .
RUN pip install -r requirements.txt
FROM base AS test
COPY requirements-test.txt .
RUN pip install -r requirements-test.txt
FROM base AS prod
COPY . .
""",
        files="requirements.txt requirements-test.txt",
        target="prod",
        steps=("3 pip: requirements.txt",),
    ),
    Shape(
        name="stage chosen by a build argument",
        dockerfile="""\
ARG FLAVOUR=slim
FROM python:3.12 AS deps-slim
COPY slim.txt /r.txt
FROM python:3.12 AS deps-full
COPY full.txt /r.txt
FROM deps-${FLAVOUR}
RUN pip install -r /r.txt
""",
        files="slim.txt full.txt",
        build_args={"FLAVOUR": "full"},
        steps=("7 pip: full.txt",),
    ),
    Shape(
        name="AWS Lambda",
        dockerfile="""\
FROM public.ecr.aws/lambda/python:3.12
COPY requirements.txt ${LAMBDA_TASK_ROOT}
RUN pip install -r requirements.txt
RUN pip install -r ${LAMBDA_TASK_ROOT}/requirements.txt --target "${LAMBDA_TASK_ROOT}"
""",
        files="requirements.txt",
        steps=(
            (
                "3 pip: requirements.txt; unsure: requirements.txt: taken to be requirements.txt, "
                "which is copied to a folder whose name is not known here"
            ),
            "4 pip: requirements.txt",
        ),
    ),
    Shape(
        name="ONBUILD",
        dockerfile="""\
FROM python:3.12 AS base
ONBUILD COPY requirements.txt /
ONBUILD RUN --mount=type=cache,target=/root/.cache pip install -r /requirements.txt
FROM base
RUN echo done
""",
        files="requirements.txt",
        steps=("4 pip: requirements.txt",),
    ),
    Shape(
        name="parents and exclude",
        dockerfile="""\
# syntax=docker/dockerfile:1-labs
FROM python:3.12
COPY --parents services/./*/requirements.txt /srv/
RUN pip install -r /srv/api/requirements.txt
COPY --exclude=*.lock . /app
RUN cd /app && uv sync
""",
        files="services/api/requirements.txt pyproject.toml uv.lock",
        steps=("4 pip: services/api/requirements.txt", "6 uv: pyproject.toml; project ."),
    ),
    Shape(
        name="an installer inside a program nobody knows",
        dockerfile="""\
FROM python:3.12
COPY requirements.txt .
RUN retry 3 pip install -r requirements.txt
RUN echo "pip install -r requirements.txt" && apt-get install -y python3-pip poetry
RUN ./install.sh
""",
        files="requirements.txt",
        steps=("3 pip: requirements.txt; unsure: retry runs the installer, and what it does is not known",),
    ),
    Shape(
        name="a script that cannot be read",
        dockerfile="""\
FROM python:3.12
COPY requirements.txt .
RUN if true; then pip install -r requirements.txt
RUN <<EOF python
import subprocess
EOF
""",
        files="requirements.txt",
        steps=("3 pip: unsure: pip install: the command cannot be read: a compound command (if) is not closed",),
    ),
    Shape(
        name="wheels chosen by a build argument",
        dockerfile="""\
FROM docker.io/python:3.12-slim AS build
ARG BUILD_ENVIRONMENT=local
COPY ./requirements .
RUN pip wheel --wheel-dir /usr/src/app/wheels -r ${BUILD_ENVIRONMENT}.txt
FROM docker.io/python:3.12-slim
ARG APP_HOME=/app
WORKDIR ${APP_HOME}
COPY --from=build /usr/src/app/wheels /wheels/
RUN pip install --no-cache-dir --no-index --find-links=/wheels/ /wheels/* && rm -rf /wheels/
""",
        files="requirements/base.txt requirements/local.txt requirements/production.txt",
        build_args={"BUILD_ENVIRONMENT": "production"},
        steps=("4 pip wheels: requirements/production.txt", "9 pip: requirements/production.txt; project /wheels/*"),
    ),
    Shape(
        name="the project built in one stage and installed in the next",
        dockerfile="""\
FROM python:3.13 AS build
WORKDIR /app
COPY . .
RUN pip install build && python -m build --wheel
RUN uv build -o /uv && poetry build && pdm build -d /pdm && python setup.py bdist_wheel
FROM python:3.13-slim
COPY --from=build /app/dist/*.whl /uv/app.whl /tmp/
RUN pip install /tmp/*.whl
RUN uv pip install --system /tmp/app.whl
""",
        files="pyproject.toml src/app.py",
        steps=(
            "4 pip: names build",
            "8 pip: pyproject.toml (without default groups); project /tmp/*.whl",
            "9 uv-pip: pyproject.toml (without default groups); project /tmp/app.whl",
        ),
    ),
    Shape(
        name="packages that stand in the repository",
        dockerfile="""\
FROM python:3.13
RUN --mount=type=bind,source=dist,target=/tmp/dist pip install /tmp/dist/*.whl --no-deps
COPY vendor/ /vendor/
RUN pip install /vendor/core-1.0.tar.gz file:/vendor/extra.zip
""",
        files="dist/app-1.0-py3-none-any.whl vendor/core-1.0.tar.gz vendor/extra.zip",
        steps=(
            "2 pip: project /tmp/dist/*.whl",
            "4 pip: project /vendor/core-1.0.tar.gz file:/vendor/extra.zip",
        ),
    ),
    Shape(
        name="setup.py run by hand",
        dockerfile="""\
FROM python:3.8
ADD . /src
WORKDIR /src
RUN python setup.py develop
RUN cd /src && python3 ./setup.py -q install
""",
        files="setup.py setup.cfg",
        steps=(
            "4 pip: setup.cfg (without default groups), setup.py (without default groups); project .",
            "5 pip: setup.cfg (without default groups), setup.py (without default groups); project .",
        ),
    ),
    Shape(
        name="words that only the shell knows",
        dockerfile="""\
FROM python:3.12
ARG EXTRAS
ARG GROUPS=web
COPY . .
RUN poetry install $(test "$ENV" = production && echo "--only=main") --no-root
RUN pip install ".[${FLAVOUR}]" "poetry==${POETRY_VERSION}" ${MORE} ${EXTRAS}
RUN uv sync --frozen --no-install-project ${EXTRAS} --group "${GROUPS}" --extra $FLAVOUR $SWITCHES
""",
        files="pyproject.toml poetry.lock uv.lock",
        steps=(
            (
                "5 poetry: poetry.lock, pyproject.toml; "
                'unsure: $(test "$ENV" = production && echo "--only=main"): '
                "what it stands for is known only when it runs"
            ),
            (
                "6 pip: pyproject.toml (extra ${flavour}, without default groups); "
                "names poetry==${POETRY_VERSION}; project .[${FLAVOUR}]; "
                "unsure: ${MORE}: the value of $MORE is not known; "
                "unsure: .[${FLAVOUR}]: the value of $FLAVOUR is not known; "
                "unsure: poetry==${POETRY_VERSION}: the value of $POETRY_VERSION is not known"
            ),
            (
                "7 uv: uv.lock (extra ${flavour}, group web), pyproject.toml (extra ${flavour}, group web); "
                "unsure: ${SWITCHES}: the value of $SWITCHES is not known; "
                "unsure: ${FLAVOUR}: the value of $FLAVOUR is not known"
            ),
        ),
    ),
    Shape(
        name="workspace manifests by parents",
        dockerfile="""\
# syntax=docker/dockerfile:1.20
FROM ghcr.io/astral-sh/uv:python3.13-trixie-slim AS build
ENV UV_NO_DEV=1
WORKDIR /repo
COPY --parents pyproject.toml uv.lock packages/*/pyproject.toml **/setup.cfg ./
RUN uv sync --frozen --no-install-workspace --package api
RUN uv sync --frozen --no-install-workspace --all-packages
RUN pip install ./packages/core
""",
        files="pyproject.toml uv.lock packages/api/pyproject.toml packages/core/setup.cfg",
        steps=(
            "6 uv: uv.lock (package api, without dev), pyproject.toml (package api, without dev)",
            "7 uv: uv.lock (all packages, without dev), pyproject.toml (all packages, without dev)",
            "8 pip: packages/core/setup.cfg (without default groups); project ./packages/core",
        ),
    ),
    Shape(
        name="mounted file that .dockerignore leaves out",
        dockerfile="""\
FROM python:3.12
RUN --mount=source=requirements.txt,target=/r.txt pip install -r /r.txt
RUN --mount=type=secret,id=pins,target=/pins.txt pip install flask -c /pins.txt
RUN --mount=type=cache,target=/cache pip install -r /cache/r.txt
""",
        files="requirements.txt",
        ignore="requirements*",
        steps=(
            "2 pip: unsure: /r.txt: requirements.txt is excluded by .dockerignore line 1",
            "3 pip: names flask; unsure: /pins.txt: a build secret (line 3)",
            "4 pip: unsure: /cache/r.txt: in a cache mount (line 4)",
        ),
    ),
    Shape(
        name="nothing to install",
        dockerfile="""\
FROM node:22
COPY . .
RUN npm ci && pip --version && poetry run pytest && uv run app.py && pip uninstall -y x && poetry config a b
""",
        steps=(),
    ),
)
