# The action's image: Python, buildx and a static busybox. Digests are those of the multi-platform indexes.
ARG PYTHON_IMAGE=python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
ARG BUILDX_IMAGE=docker/buildx-bin:0.33.0@sha256:450be95fa632a3986797cd23b8b5d8d5fff47e9fd8e1fa483c9d44b07da2a559
ARG BUSYBOX_IMAGE=busybox:1.37.0-musl@sha256:222ad6d973c0d198014546a65cd02c5fdedcc172123c5b4c2bf0af636550bd94

FROM ${BUILDX_IMAGE} AS buildx
FROM ${BUSYBOX_IMAGE} AS busybox

FROM ${PYTHON_IMAGE} AS install
RUN python -m venv /uv && /uv/bin/pip install --quiet --disable-pip-version-check --no-cache-dir uv==0.13.9
WORKDIR /src
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/pycache UV_NO_CACHE=1
# `dockerfile` has no wheel for Linux on arm64 (https://pypi.org/project/dockerfile/3.4.0/#files) and is compiled there, by Go.
RUN [ "$(uname -m)" = x86_64 ] || { apt-get update --quiet --quiet \
 && apt-get install --yes --no-install-recommends gcc libc6-dev golang-go && rm -rf /var/lib/apt/lists/*; }
# What others bring along for work that is not done here: GitHub Apps (PyGithub), colours and Markdown (rich), C parsers (cffi).
ENV LEFT_OUT="--no-install-package cryptography --no-install-package markdown-it-py --no-install-package mdurl --no-install-package pycparser --no-install-package pygments"
COPY pyproject.toml uv.lock ./
RUN /uv/bin/uv sync --quiet --frozen --no-dev --no-install-project $LEFT_OUT
COPY README.md LICENSE ./
COPY src src
RUN /uv/bin/uv sync --quiet --frozen --no-dev --no-editable $LEFT_OUT \
 && /opt/pycache/bin/python -c "import pycache_action.action, pycache_action.cli, github, rich.live, rich.table"

FROM ${PYTHON_IMAGE}
COPY --link --from=buildx /buildx /usr/local/bin/buildx
# A document is kept in a cache by a build that needs one static program and must not pull an image for it.
COPY --link --from=busybox /bin/busybox /usr/local/lib/pycache-helper/bin/busybox
COPY --link --from=install /opt/pycache /opt/pycache
ENV PYCACHE_HELPER=/usr/local/lib/pycache-helper PYTHONUNBUFFERED=1
ENTRYPOINT ["/opt/pycache/bin/pycache-action"]
