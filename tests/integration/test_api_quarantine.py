"""The quarantine by REST: who may do what, pages, and problems for whatever is asked wrongly."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.faces import Face
from tests.integration.test_api_events import BULK, assert_problem, event

PATH = "/v1/quarantine"


@pytest.fixture(scope="module")
def client(node: Face) -> httpx.Client:
    return node.client("feeds")


@pytest.fixture(scope="module")
def numbers(client: httpx.Client) -> list[int]:
    """Three rows that were quarantined, oldest first."""
    faulty = [event(number, amount="1,00", memo="还款") for number in range(1, 4)]
    assert client.post(BULK, json=faulty).json()["rows"]["quarantined"] == 3
    return [row["number"] for row in client.get(PATH).json()["items"]][::-1]


def test_rows_come_page_by_page(client: httpx.Client, numbers: list[int]) -> None:
    found, cursor = [], ""
    while True:
        page = client.get(f"{PATH}?limit=2{cursor}").json()
        found += [row["number"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == numbers[::-1]
    for nothing in ("field=memo", "reason=x", "status=accepted", "feed_id=99", "facility=OTHER"):
        assert client.get(f"{PATH}?{nothing}").json()["items"] == []


def test_a_row_is_mended_and_replayed(node: Face, client: httpx.Client, numbers: list[int]) -> None:
    row = f"{PATH}/{numbers[0]}"
    mended = client.post(f"{row}:mend", json={"values": {"amount": "1.00"}}).json()
    assert mended["row"]["status"] == "ready"
    assert mended["steps"][0]["changes"] == {"amount": {"was": "1,00", "now": "1.00"}}
    assert mended["steps"][0]["by"].endswith("(test feeds)")
    assert node.client("read").get(row).json() == mended
    replayed = client.post(f"{PATH}:replay", json={"numbers": [numbers[0]]})
    assert replayed.json() == {"accepted": 1, "duplicate": 0, "faulty": 0, "next": None}
    again = client.post(f"{PATH}:replay", json={"numbers": [numbers[0]]})
    assert "does not wait" in assert_problem(again, 422, "invalid-request")["detail"]
    assert client.get(f"{PATH}?status=accepted").json()["items"][0]["number"] == numbers[0]


def test_all_of_a_reason_are_replayed(client: httpx.Client, numbers: list[int]) -> None:
    reason = client.get(f"{PATH}/{numbers[1]}").json()["row"]["reason"]
    done = client.post(f"{PATH}:replay", json={"field": "amount", "reason": reason}).json()
    assert done["accepted"] == 0
    assert done["faulty"] >= 2


def test_a_row_is_dismissed_and_restored(client: httpx.Client, numbers: list[int]) -> None:
    last = {"numbers": [numbers[2]], "why": "a test row"}
    done = client.post(f"{PATH}:dismiss", json=last)
    assert done.json() == {"rows": 1, "next": None}
    dismissed = client.get(f"{PATH}?status=dismissed").json()["items"]
    assert [one["number"] for one in dismissed] == [numbers[2]]
    again = client.post(f"{PATH}:dismiss", json=last)
    assert "does not wait" in assert_problem(again, 422, "invalid-request")["detail"]
    (step,) = client.get(f"{PATH}/{numbers[2]}").json()["steps"][-1:]
    assert (step["step"], step["why"]) == ("dismissed", "a test row")
    assert step["by"].endswith("(test feeds)")
    assert client.post(f"{PATH}:restore", json=last).json()["rows"] == 1
    assert client.get(f"{PATH}?status=dismissed").json()["items"] == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/999:mend", {"values": {"amount": "1"}}, 422),
        ("/x:mend", {"values": {"amount": "1"}}, 422),
        ("/1:mend", {"values": {}}, 422),
        ("/1:mend", {"values": {"amount": 1}}, 422),
        ("/1:mend", {"values": {"colour": "red"}}, 422),
        ("/1:mend", {"amount": "1"}, 422),
        (":replay", {}, 422),
        (":replay", {"numbers": []}, 422),
        (":replay", {"numbers": [2**70]}, 422),
        (":replay", {"facility": "a\0b"}, 422),
        (":replay", {"numbers": [1], "by": "somebody else"}, 422),
        (":reread", {"feed_id": 999, "encoding": "gb18030"}, 422),
        (":reread", {"feed_id": 1, "encoding": "rot13"}, 422),
        (":reread", {"feed_id": 1}, 422),
        (":dismiss", {"why": "all"}, 422),
        (":dismiss", {"numbers": [1]}, 422),
        (":dismiss", {"numbers": [1], "why": ""}, 422),
        (":dismiss", {"numbers": [1], "why": "x" * 501}, 422),
        (":restore", {"numbers": [999], "why": "x"}, 422),
    ],
)
def test_what_is_asked_wrongly_is_a_problem(
    client: httpx.Client, numbers: list[int], path: str, body: dict[str, Any], status: int
) -> None:
    assert len(numbers) == 3
    assert_problem(client.post(PATH + path, json=body), status, "invalid-request")


def test_a_row_that_is_not_there(client: httpx.Client) -> None:
    assert_problem(client.get(f"{PATH}/999"), 404, "unknown-row")


@pytest.mark.parametrize("path", ["/1:mend", ":reread", ":replay", ":dismiss", ":restore"])
def test_a_key_that_only_reads_changes_nothing(node: Face, path: str) -> None:
    assert_problem(node.client("read").post(PATH + path, json={}), 403, "forbidden")
    assert_problem(node.client("metrics").get(PATH), 403, "forbidden")
    assert_problem(node.client(None).post(PATH + path, json={}), 401, "unauthorized")


def test_a_body_that_is_no_json_or_too_large(client: httpx.Client) -> None:
    assert_problem(client.post(f"{PATH}:replay", content=b"{"), 415, "unsupported-media-type")
    json = {"Content-Type": "application/json"}
    answer = client.post(f"{PATH}:replay", content=b"\xff", headers=json)
    assert_problem(answer, 422, "invalid-request")
    answer = client.post(f"{PATH}:replay", content=b" " * 100_000, headers=json)
    assert_problem(answer, 413, "content-too-large")
