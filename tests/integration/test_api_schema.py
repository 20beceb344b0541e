"""Every operation of the OpenAPI document, with what schemathesis makes up for it: none fails with
a fault of ours, and every answer is one that the document describes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Err

from app.db.engine import create
from app.http.keys import Role
from tests.integration.faces import Face, face
from tests.integration.seeded import Seed
from tests.integration.vaults import VAULT

EXAMPLES = 25
KNOWN = {"facility": "WLD-2016-A", "id": "WLD-2016-A", "partner": "huarui", "number": 1}
"""Path parameters that lead somewhere; what is made up never does."""

CONFORMANCE = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)


@pytest.fixture
def node(database_url: str) -> Iterator[Face]:
    engine = create(database_url, vault=VAULT)
    Seed(engine)
    with face(engine) as served:
        yield served
    engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("role", [None, "read", "admin"])
def test_no_fault_of_ours_and_no_answer_that_is_not_described(
    node: Face, role: Role | None
) -> None:
    load_all_checks()
    checks: Any = CHECKS.get_by_names(list(CONFORMANCE))
    document = requests.get(f"{node.url}/openapi.json", timeout=30).json()
    headers = {} if role is None else {"Authorization": f"Bearer {node.key(role)}"}
    session = requests.Session()
    # The event stream does not end: tests/integration/test_api_stream.py.
    operations = [
        found.ok()
        for found in schemathesis.openapi.from_dict(document).get_all_operations()
        if not isinstance(found, Err) and found.ok().path != "/v1/stream"
    ]
    assert len(operations) > 20
    for operation in operations:

        @seed(20260302)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=st.one_of([operation.as_strategy(mode) for mode in GenerationMode]),
            known=st.booleans(),
        )
        def answers(case: Case[Any], known: bool) -> None:
            if known and case.path_parameters:
                case.path_parameters = _known(case.path_parameters)
            case.call_and_validate(
                node.url, session=session, headers=headers, checks=checks, timeout=30
            )

        answers()


def _known(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: KNOWN.get(name, given) for name, given in parameters.items()}
