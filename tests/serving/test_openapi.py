"""The description: complete, and kept. More examples by hand: see benchmarks/serve/schemathesis.toml."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis asks what OpenAPI allows")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402 -- where it is not there, this is skipped
from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402 -- the same

from gatecast.serving.http.tokens import scope_of  # noqa: E402 -- the same

EXAMPLES = 5  # of each operation


def operations(client: httpx.Client) -> dict[str, dict[str, Any]]:
    paths = client.get("/openapi.json").json()["paths"]
    return {f"{method.upper()} {path}": one for path, methods in paths.items() for method, one in methods.items()}


def test_every_endpoint_is_described(client: httpx.Client) -> None:
    found = operations(client)
    assert set(found) == {
        "POST /v1/forecast", "POST /v1/observe", "GET /v1/models", "POST /v1/models", "GET /v1/models/{name}",
        "DELETE /v1/models/{name}", "GET /v1/series", "GET /v1/series/{series}", "GET /v1/events", "POST /v1/jobs",
        "GET /v1/jobs", "GET /v1/jobs/{job}", "DELETE /v1/jobs/{job}", "GET /v1/jobs/{job}/log",
        "GET /v1/jobs/{job}/events", "GET /v1/jobs/{job}/artifacts/{name}", "POST /v1/look", "POST /v1/evaluate",
        "POST /v1/timeseries/forecast", "POST /invocations", "GET /ping", "GET /metrics", "GET /v2/health/live",
        "GET /v2/health/ready",
    }  # fmt: skip
    for name, one in found.items():
        assert one["description"], name
        assert one["x-scope"] == scope_of(*name.split(" "))
        for code, answer in one["responses"].items():
            if int(code) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (name, code)
    text = client.get("/openapi.json").text
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert set(re.findall(r"#/components/schemas/([\w-]+)", text)) <= set(schemas)
    for name in ("ForecastRequest", "ObserveRequest"):
        assert schemas[name]["examples"]


def test_examples_of_the_description_are_right(client: httpx.Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for name, url in (("ForecastRequest", "/v1/forecast"), ("ObserveRequest", "/v1/observe")):
        for example in schemas[name]["examples"]:
            if "history" in example:
                continue  # three months are too few for this model
            assert client.post(url, json=example).status_code in (200, 422), example


def test_answers_are_as_described(client: httpx.Client) -> None:
    """Requests that the description allows, and some that it does not: no 5xx, and no answer that it does not know."""
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith("events") or operation.method == "delete":
            continue

        @given(case=operation.as_strategy())
        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        def asked(case: Any) -> None:
            case.call_and_validate(excluded_checks=[positive_data_acceptance])  # 422 also says: no forecast of this

        asked()


def test_methods_that_are_not_known_are_told(client: httpx.Client) -> None:
    answer = client.request("PUT", "/v1/jobs")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    assert client.request("PUT", "/v1/series/a/b").headers["allow"] == "GET"
    assert client.get("/nothing").json()["status"] == 404
