"""Making a proof bundle, from the node's own report and the chain's bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.chain.engines import engine as chain_engine
from app.chain.errors import NotVerified
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.domain.consortium import CONTRACTS
from app.indexer.refusal import refused
from app.proof.collect import collect
from app.proof.file import Bundle, pack
from app.proof.statement import SEALS, Proved, Terms, prove
from app.reports.reconciliation import AccountReport, Amounts, account_reports
from app.reports.source import ReportRefused, Source


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle's file, and what it proves."""

    file: bytes
    proved: Proved


def make(source: Source, rpc: Rpc, manifest: Manifest) -> Made:
    """The bundle of a report's facility and dates, as of the last block that the node has read.

    Each endpoint is asked until one's blocks prove what the node's report says. Raises
    ReportRefused where none's do, and what the endpoints raise.
    """
    scheme = chain_engine(manifest.engine).seals
    terms = Terms(
        chain_id=manifest.chain_id,
        genesis=manifest.genesis,
        contracts={name: manifest.addresses[name].lower() for name in sorted(CONTRACTS)},
        seals=next(name for name, one in SEALS.items() if one is scheme),
        every=scheme is None,
        facility=source.facility.number,
        first=source.request.first,
        last=source.request.last,
    )

    def proved_by_one() -> Made:
        with refused(rpc):
            blocks = list(collect(rpc, source.connection, terms, source.as_of.block_number))
            proved = prove(terms, blocks)
        if proved.facts["last"]["hash"] != source.as_of.block_hash:
            raise NotVerified(
                f"it has another block {source.as_of.block_number:,} than this node has read",
                where=rpc.url,
            )
        return Made(pack(Bundle(proved.statement, blocks)), proved)

    try:
        made = rpc.run(proved_by_one)
    except NotVerified as fault:
        raise ReportRefused(
            f"the endpoint's blocks prove nothing: {fault.what}",
            where=fault.where,
            remedy="Name another endpoint in `rpc`, and look at this node's incidents",
        ) from None
    _compare(source, made.proved.facts)
    return made


def _compare(source: Source, facts: Mapping[str, Any]) -> None:
    """What was proved must be what this node's own report says. Raises ReportRefused."""
    proved = {one["partner"]: one for one in facts["accounts"]}
    for account in account_reports(source):
        if _as_stated(account) != proved.get(account.number):
            raise ReportRefused(
                "the chain's blocks come to another report than this node's database",
                where=f"{source.facility.id}, {account.partner}",
                remedy="Look at the incidents of this node; `tally rebuild` reads the chain anew",
            )


def _as_stated(account: AccountReport) -> dict[str, Any]:
    def texts(amounts: Amounts) -> list[str]:
        return [str(amounts.lead), str(amounts.partner), str(amounts.agreed)]

    return {
        "partner": account.number,
        "opening": texts(account.opening),
        "closing": texts(account.closing),
        "later": texts(account.after),
        "movements": [[kind, *texts(moved)] for kind, moved in account.movements.items()],
        "pairs": dict(account.counts),
        "open_lead": str(account.open_lead),
        "open_partner": str(account.open_partner),
        "accepted_difference": str(account.accepted_difference),
    }
