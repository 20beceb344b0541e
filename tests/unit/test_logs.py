"""Log lines: JSON, whoever writes them, and without secrets."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from app.logs import MOST_LISTED, configure_logs, listed

KEY = "tk_0123456789ab_" + "f" * 64


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.captureWarnings(False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        (f"Authorization: Bearer {KEY}", "f" * 64),
        ("https://bank:hunter2@node.example/rpc", "hunter2"),
        ("postgresql://tally:hunter2@db/bank", "hunter2"),
        ("connection failed: host=db password=hunter2 user=x", "hunter2"),
        ('{"passphrase": "hunter2"}', "hunter2"),
    ],
)
def test_no_secret_is_written(given: str, secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(logging.INFO)
    log = structlog.get_logger()
    log.info("told", why=given, nested={"all": [given]})
    logging.getLogger("a library").warning("it says %s", given)
    try:
        raise ValueError(given)
    except ValueError:
        log.exception("failed")
    lines = said(capsys)
    assert [json.loads(line)["event"][:2] for line in lines] == ["to", "it", "fa"]
    assert secret not in "\n".join(lines)
    assert "***" in lines[0]


@pytest.mark.filterwarnings("default")
def test_a_warning_is_a_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    warnings.warn("something is deprecated", DeprecationWarning, stacklevel=1)
    (line,) = said(capsys)
    assert "something is deprecated" in json.loads(line)["event"]
    assert json.loads(line)["level"] == "warning"


def test_a_key_can_still_be_told_by_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(logging.INFO)
    structlog.get_logger().info("told", key=KEY)
    assert "tk_0123456789ab_***" in said(capsys)[0]


def test_commands_are_quiet_and_nodes_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    structlog.get_logger().info("quiet")
    configure_logs(logging.INFO)
    structlog.get_logger().info("loud")
    assert [json.loads(line)["event"] for line in said(capsys)] == ["loud"]


def test_no_line_lists_too_many() -> None:
    items = list(range(2 * MOST_LISTED + 1))
    chunks = list(listed(items))
    assert [len(chunk) for chunk in chunks] == [MOST_LISTED, MOST_LISTED, 1]
    assert [one for chunk in chunks for one in chunk] == items
