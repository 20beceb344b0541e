"""`tally report grant`, `revoke`, `grants`: sealed details, opened to one observer."""

from typing import Annotated

import typer

from app.actions.grants import GrantDetails, RevokeGrant
from app.actions.grants import grant as grant_details
from app.actions.grants import revoke as revoke_grant
from app.cli.shared.acting import acting, show_done
from app.cli.shared.console import stdout
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    FirstDay,
    LastDay,
    reading,
    show,
    table,
)
from app.domain.numbers import LARGEST
from app.readmodel.disclosures.queries import grants as grants_of


def grant(
    reader: Annotated[str, typer.Argument(help="The auditor or regulator, by name or number.")],
    facility: Annotated[str, typer.Option(metavar="ID", help="The facility's id.")],
    first: FirstDay,
    last: LastDay,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Open the details of this bank's own batches of a period to an observer that they were not
    sealed for. Each batch's key is sealed to that observer alone; no key of the bank's is handed
    over. A batch is opened whole: the other bank opens its own half.

    Example:

      tally report grant audit-office --facility WLD-2016-A --from 2026-03-01 --to 2026-03-31
    """
    asked = GrantDetails(facility, reader, first.date(), last.date())
    with acting(config) as bank:
        done = grant_details(asked, bank.view, bank.day_close, bank.approver())
    granted = done.event("DetailsGranted")
    assert granted is not None
    stdout.print(f"grant {granted['grant']}")
    show_done(done, "tally report grants")


def revoke(
    number: Annotated[int, typer.Argument(help="The grant's number.", min=1, max=LARGEST)],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take a grant back: nodes use it no more. What was read meanwhile cannot be made unread.

    Example:

      tally report revoke 3
    """
    with acting(config) as bank:
        done = revoke_grant(RevokeGrant(number), bank.view, bank.day_close, bank.approver())
    show_done(done, "tally report grants")


def grants(
    facility: Annotated[
        str | None, typer.Option(metavar="ID", help="Those of one facility alone.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the grants, revoked ones too; `names` is how many references one opens at this node (it
    opens them a few batches at a time).

    Example:

      tally report grants --facility WLD-2016-A
    """
    with reading(config) as engine, engine.connect() as connection:
        found = grants_of(connection, facility)
    made = table(
        "grant", "facility", "bank", "to", "first", "last", "granted", "revoked", numbers=("names",)
    )
    for one in found:
        revoked = "" if one.revoked_at is None else f"{one.revoked_at:%Y-%m-%d}, {one.revoked_by}"
        made.add_row(
            str(one.number),
            one.facility,
            one.bank,
            one.reader,
            str(one.first),
            str(one.last),
            f"{one.granted_at:%Y-%m-%d}",
            revoked,
            "opening" if one.is_opening else f"{one.names:,}",
        )
    show(made)
