"""GitHub's own description of its REST API, to hold requests and answers against."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.responses.exceptions import ResponseNotFound
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.http_server import Answer, Request

_FILE = Path(__file__).with_name("github_openapi.json")
_SERVER = "https://api.github.com"


class ContractError(AssertionError):
    """A request or an answer is not as GitHub describes it."""


@cache
def read_description() -> dict[str, Any]:
    """The description as `tools/trim_openapi.py` left it."""
    description: dict[str, Any] = json.loads(_FILE.read_text())
    return description


@cache
def _read_openapi() -> OpenAPI:
    # the trimmed file lacks the prose that OpenAPI wants, so the description itself is not validated
    return OpenAPI.from_dict(read_description(), config=Config(spec_validator_cls=None))


def check_request(template: str, request: Request) -> None:
    """Raises ContractError unless the operation at `template` takes this request, its query included."""
    operation = read_description()["paths"][template][request.method.lower()]
    known = {
        parameter["name"] for parameter in map(_resolve, operation.get("parameters", ())) if parameter["in"] == "query"
    }
    if unknown := request.query.keys() - known:  # GitHub ignores them, so they are a mistake that nobody notices
        raise ContractError(f"{request}: no such query parameter: {', '.join(sorted(unknown))}")
    try:
        _read_openapi().validate_request(_as_openapi(request))
    except OpenAPIError as error:
        raise ContractError(f"{request}: {_explain(error)}") from error


def check_answer(request: Request, answer: Answer) -> None:
    """Raises ContractError unless the operation may answer so. Errors it does not list need a message, as all have."""
    body = bytes(answer.body)
    content_type = answer.headers.get("Content-Type", "")
    try:
        response = MockResponse(
            body, status_code=answer.status, content_type=content_type, headers=dict(answer.headers)
        )
        _read_openapi().validate_response(_as_openapi(request), response)
    except ResponseNotFound as error:
        if answer.status < 400 or not isinstance(json.loads(body).get("message"), str):
            raise ContractError(f"{request}: {error}") from error
    except OpenAPIError as error:
        raise ContractError(f"{request} answered {answer.status}: {_explain(error)}") from error


def _as_openapi(request: Request) -> MockRequest:
    content_type = request.headers.get("Content-Type", "")
    return MockRequest(
        _SERVER,
        request.method.lower(),
        request.path,
        args=request.query,
        data=request.body or None,
        content_type=content_type,
    )


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    _, kind, name = node["$ref"].removeprefix("#/").split("/")
    resolved: dict[str, Any] = read_description()["components"][kind][name]
    return resolved


def _explain(raised: BaseException) -> str:
    """The error and its causes in a line; openapi-core's own text holds the whole body."""
    texts = []
    cause: BaseException | None = raised
    while cause is not None:
        if isinstance(cause, InvalidSchemaValue):
            found: Iterable[Any] = cause.schema_errors  # jsonschema's, which has no types
            texts += [f"{'/'.join(map(str, error.path)) or 'body'}: {error.message[:200]}" for error in found]
        else:
            texts.append(str(cause)[:100])
        cause = cause.__cause__
    return "; ".join(texts)
