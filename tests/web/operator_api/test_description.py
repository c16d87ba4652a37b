"""The OpenAPI description is true: whatever is sent, no answer is one that it leaves out, and none is a defect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from notifier.web.rates import Rates
from notifier.web.services import SiteSettings
from tests.web.operator_api.harness import ApiHarness
from tests.web.site import TOKEN, Site

EXAMPLES = 5
PROGRAMS = "/api/v1/"
UNLIMITED = SiteSettings(changes_per_minute=10**6, tests_per_minute=10**6)
# A topic or a story that does not exist, a rule with a mistake: no schema knows those, and they are rightly refused.
BEYOND_SCHEMAS: list[Any] = [positive_data_acceptance]
REFUSED = [400, 401, 403, 404, 405, 409, 413, 422, 429]
CONFIG = schemathesis.Config.from_dict(
    {
        "generation": {"allow-extra-parameters": False},  # a query that nobody asked for is left alone, as on the web
        "checks": {"negative_data_rejection": {"expected-statuses": REFUSED}},
    }
)
METHODS = {"get", "put", "post", "delete", "patch"}
DESCRIPTION: dict[str, Any] = Site().app.openapi()
# Listed by the description itself: a new operation is covered as soon as it exists.
OPERATIONS = [(path, method) for path, here in DESCRIPTION["paths"].items() for method in here if method in METHODS]
THERE = {"slug": "ships", "name": "Ada", "feed_id": 1, "story_id": 1, "alert_id": 1, "change_id": 1, "token_id": 1}
"""What a path can name that there is."""


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHarness]:
    made = ApiHarness(tmp_path_factory.mktemp("described"))
    token = made.token()
    alert = {"title": "Ferry aground", "url": "https://news.example/1", "topics": ["ships"]}
    assert made.ask("POST", "/api/v1/alerts", token, alert).status == 201
    topic = {"title": "Ships", "match": "ferry", "version": made.ask("GET", "/api/v1/topics", token).json["version"]}
    assert made.ask("PUT", "/api/v1/topics/ships", token, topic).status == 200
    yield made
    made.close()


@pytest.fixture(scope="module")
def described(harness: ApiHarness) -> BaseSchema:
    return schemathesis.openapi.from_asgi("/api/openapi.json", harness.app, config=CONFIG)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_described(
    harness: ApiHarness, described: BaseSchema, path: str, method: str, mode: GenerationMode
) -> None:
    operation = described[path][method]
    there = {name: value for name, value in THERE.items() if f"{{{name}}}" in path}
    named = operation.as_strategy(generation_mode=mode, path_parameters=there or None)
    made_up = operation.as_strategy(generation_mode=mode)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=named | made_up if there else made_up)
    def ask(case: Case[Any]) -> None:
        harness.app.state.rates = Rates(UNLIMITED)
        token = harness.token() if path.startswith(PROGRAMS) else TOKEN
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, excluded_checks=BEYOND_SCHEMAS)

    try:
        ask()
    except Unsatisfiable:  # nothing can be wrong about a request without a parameter
        assert mode is GenerationMode.NEGATIVE


def test_every_operation_of_programs_says_whose_token_it_wants_and_what_may_go_wrong() -> None:
    for path, method in OPERATIONS:
        if path.startswith(PROGRAMS):
            described = DESCRIPTION["paths"][path][method]
            assert described["security"] == [{"operatorToken": []}], path
            assert {"401", "403", "404", "413", "422", "429"} <= set(described["responses"]), path


def test_the_description_says_what_each_scope_is_for() -> None:
    scheme = DESCRIPTION["components"]["securitySchemes"]["operatorToken"]

    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert "`topics:write`: change topics" in scheme["description"]
