"""Membership, keys and terms: who was admitted, suspended or evicted, whose keys changed, what the
facility's terms were, who proposed each change and who accepted it.

It is of the whole consortium and of one facility's terms; `--partner` narrows nothing here, because
every member sees all of it.
"""

from collections.abc import Iterator
from functools import partial

import orjson

from app.readmodel.consortium.history import (
    keys_at,
    log_up_to,
    members_at,
    proposals_at,
)
from app.readmodel.consortium.shapes import LogLine
from app.readmodel.facilities.history import FacilityHistory, facility_history
from app.readmodel.facilities.terms import terms_at
from app.readmodel.values import to_date
from app.reports.model import Column, Report, Row, Section, Type
from app.reports.resolutions import banks
from app.reports.source import Source

_MEMBERS = (
    Column("member"),
    Column("role", words=True),
    Column("state", words=True),
    Column("stopped_until", Type.INSTANT),
    Column("at", Type.INSTANT),
    Column("transaction", wide=True),
)
_KEYS = (
    Column("member"),
    Column("purpose", words=True),
    Column("key", wide=True),
    Column("given_by"),
    Column("since_block", Type.COUNT),
    Column("since", Type.INSTANT),
    Column("retired_block", Type.COUNT),
    Column("retired", Type.INSTANT),
)
_DONE = (
    Column("at", Type.INSTANT),
    Column("what", words=True),
    Column("member"),
    Column("by"),
    Column("details", wide=True),
    Column("block", Type.COUNT),
    Column("transaction", wide=True),
)
_UPGRADES = (
    Column("at", Type.INSTANT),
    Column("contract", wide=True),
    Column("code", wide=True),
    Column("proposal", Type.COUNT),
    Column("by"),
    Column("in_favour"),
    Column("block", Type.COUNT),
    Column("transaction", wide=True),
)
_PROPOSALS = (
    Column("number", Type.COUNT),
    Column("what", words=True),
    Column("member"),
    Column("details", wide=True),
    Column("by"),
    Column("at", Type.INSTANT),
    Column("state", words=True),
    Column("decided_at", Type.INSTANT),
    Column("in_favour"),
    Column("against"),
    Column("hash", wide=True),
    Column("reason_hash", wide=True),
    Column("transaction", wide=True),
)
_TERMS = (
    Column("state", words=True),
    Column("hash", wide=True),
    Column("by"),
    Column("accepted_by", wide=True),
    Column("observers"),
    Column("since_block", Type.COUNT),
    Column("activated_block", Type.COUNT),
    Column("currency"),
    Column("time_zone"),
    Column("split", words=True),
    Column("first_day", Type.DATE),
    Column("least_lead_bps", Type.BASIS_POINTS),
    Column("largest_partner_bps", Type.BASIS_POINTS),
)
_SHARES = (
    Column("version", Type.COUNT),
    Column("effective_from", Type.DATE),
    Column("member"),
    Column("principal_bps", Type.BASIS_POINTS),
    Column("interest_bps", Type.BASIS_POINTS),
    Column("fee_bps", Type.BASIS_POINTS),
)
_RULES = (
    Column("version", Type.COUNT),
    Column("effective_from", Type.DATE),
    Column("amount_tolerance", Type.MONEY),
    Column("date_window_days", Type.COUNT),
    Column("match_deadline_seconds", Type.COUNT),
    Column("cut_off"),
)
_CHANGES = (
    Column("number", Type.COUNT),
    Column("what", words=True),
    Column("version", Type.COUNT),
    Column("by"),
    Column("at", Type.INSTANT),
    Column("state", words=True),
    Column("decided_at", Type.INSTANT),
    Column("accepted_by", wide=True),
    Column("waits_for"),
    Column("hash", wide=True),
    Column("reason_hash", wide=True),
)
_PAUSES = (
    Column("member"),
    Column("at", Type.INSTANT),
    Column("resumed_at", Type.INSTANT),
    Column("by"),
    Column("reason_hash", wide=True),
)


def membership(source: Source) -> Report:
    """Members, keys, votes and what was done in the period; the facility's terms, their versions
    and who accepted them."""
    block = source.as_of.block_number
    log = log_up_to(source.connection, source.names, block)
    history = facility_history(
        source.connection, source.names, source.facility.number, source.clock
    )
    return source.report(
        name="membership",
        title="Membership and terms",
        sections=(
            Section(
                "members",
                "Every member that was ever admitted, as it stood after the block; `at` is when it "
                "was admitted",
                _MEMBERS,
                lambda: (
                    (
                        one.name,
                        one.role,
                        one.state,
                        one.stopped_until,
                        one.admitted_at,
                        one.admitted_in,
                    )
                    for one in members_at(log, source.as_of.block_time)
                ),
            ),
            Section(
                "keys",
                "Every key that a member has or had, from which block to which",
                _KEYS,
                partial(_keys, source),
            ),
            Section(
                "done",
                "What was done to the consortium in the period, by the UTC date of the block: "
                "admissions, suspensions, evictions, keys, validators, upgrades, emergency stops",
                _DONE,
                partial(_done, source, log),
            ),
            Section(
                "proposals",
                "What banks asked the others for in the period, by the UTC date of the block; "
                "`hash` is what a vote names",
                _PROPOSALS,
                partial(_proposals, source),
            ),
            Section(
                "upgrades",
                "Every upgrade up to the block: the contract by its lasting address, the code that "
                "a vote put behind it, and who voted for it",
                _UPGRADES,
                partial(_upgrades, source, log),
            ),
            Section(
                "terms",
                "The facility's terms; `hash` is what each partner signed",
                _TERMS,
                partial(_terms, source, history),
            ),
            Section(
                "shares",
                "Every version of the shares that all parties accepted",
                _SHARES,
                partial(_shares, source, history),
            ),
            Section(
                "rules",
                "Every version of the rules that all parties accepted",
                _RULES,
                lambda: (
                    (
                        one.version,
                        to_date(one.effective_from) if one.effective_from else None,
                        one.amount_tolerance,
                        one.date_window_days,
                        one.match_deadline_seconds,
                        one.cut_off.isoformat(),
                    )
                    for one in history.rules
                ),
            ),
            Section(
                "changes",
                "What parties proposed to change in the facility; `hash` is what an acceptance "
                "signs, `by` the party that proposed it",
                _CHANGES,
                partial(_changes, history),
            ),
            Section(
                "pauses",
                "When a party stopped the posting, and who let it go on",
                _PAUSES,
                lambda: (
                    (
                        one.member,
                        one.paused_at,
                        one.resumed_at,
                        one.resumed_by or None,
                        "0x" + one.reason_hash.hex(),
                    )
                    for one in history.pauses
                ),
            ),
        ),
        signers=banks(source),
    )


def _keys(source: Source) -> Iterator[Row]:
    for one in keys_at(source.connection, source.names, source.as_of.block_number):
        key = one.key
        yield (
            key.member,
            key.purpose,
            key.key,
            key.given_by,
            key.since_block,
            one.since,
            key.retired_block,
            one.retired,
        )


def _done(source: Source, log: list[LogLine]) -> Iterator[Row]:
    for one in log:
        if source.request.first <= one.at.date() <= source.request.last:
            yield (
                one.at,
                one.what,
                one.member,
                one.by,
                _json(one.details),
                one.block,
                one.transaction,
            )


def _upgrades(source: Source, log: list[LogLine]) -> Iterator[Row]:
    voted = [
        one
        for one in proposals_at(
            source.connection, source.names, source.as_of.block_number, source.clock
        )
        if one.kind == "upgrade" and one.state == "enacted"
    ]
    for line in log:
        if line.what != "ContractUpgraded":
            continue
        contract, code = line.details["proxy"], line.details["implementation"]
        # The vote that makes the majority enacts it, in the same block.
        by = next(
            (
                one
                for one in voted
                if one.decided_at == line.at
                and (one.asked.get("proxy"), one.asked.get("implementation")) == (contract, code)
            ),
            None,
        )
        yield (
            line.at,
            contract,
            code,
            None if by is None else by.number,
            None if by is None else by.proposer,
            None if by is None else ", ".join(by.in_favour),
            line.block,
            line.transaction,
        )


def _proposals(source: Source) -> Iterator[Row]:
    for one in proposals_at(
        source.connection, source.names, source.as_of.block_number, source.clock
    ):
        if source.request.first <= one.created_at.date() <= source.request.last:
            yield (
                one.number,
                one.kind,
                one.subject,
                _json(one.asked),
                one.proposer,
                one.created_at,
                one.state,
                one.decided_at,
                ", ".join(one.in_favour) or None,
                ", ".join(one.against) or None,
                one.content_hash,
                one.reason_hash,
                one.transaction,
            )


def _terms(source: Source, history: FacilityHistory) -> Iterator[Row]:
    one = terms_at(
        source.connection, source.names, source.facility, history, source.as_of.block_number
    )
    if one is not None:
        yield (
            one.state,
            one.hash,
            source.facility.lead,
            ", ".join(one.accepted_by) or None,
            ", ".join(one.observers) or None,
            one.proposed_block,
            one.activated_block,
            source.facility.currency,
            source.facility.time_zone,
            one.split,
            to_date(one.first_day),
            one.least_lead_bps,
            one.largest_partner_bps,
        )


def _shares(source: Source, history: FacilityHistory) -> Iterator[Row]:
    for version in history.shares:
        since = to_date(version.effective_from) if version.effective_from else None
        for party, shares in zip(source.facility.partners, version.shares, strict=True):
            yield (
                version.version,
                since,
                party.name,
                shares.principal,
                shares.interest,
                shares.fee,
            )


def _changes(history: FacilityHistory) -> Iterator[Row]:
    for one in history.changes:
        yield (
            one.number,
            one.kind,
            one.version,
            one.proposer,
            one.proposed_at,
            one.state,
            one.decided_at,
            ", ".join(one.accepted_by),
            ", ".join(one.waits_for) or None,
            "0x" + one.hash.hex(),
            "0x" + one.reason_hash.hex(),
        )


def _json(facts: dict[str, object]) -> str | None:
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode() if facts else None
