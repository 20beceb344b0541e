"""Ageing: says in the log when legs become overdue, and when none are any more."""

import structlog
from sqlalchemy import Engine

from app.readmodel.accounts.balances import balances

_log = structlog.get_logger()


class Ageing:
    """Watches one read model. Overdue is judged by block time, the same for every bank."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._overdue: dict[tuple[str, str], int] = {}

    def look(self) -> None:
        """Compare with the last look and say what has changed."""
        with self._engine.connect() as connection:
            accounts = balances(connection)
        for account in accounts:
            key = (account.facility, account.partner)
            if account.overdue != self._overdue.get(key, 0):
                _log.warning(
                    "overdue legs",
                    facility=account.facility,
                    partner=account.partner,
                    overdue=account.overdue,
                    before=self._overdue.get(key, 0),
                )
            self._overdue[key] = account.overdue
