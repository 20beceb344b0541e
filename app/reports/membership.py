"""Membership, keys and terms: who was admitted, suspended or evicted, whose keys changed, what the
facility's terms were, who proposed each change and who accepted it.

It is of the whole consortium and of one facility's terms; `--partner` narrows nothing here, because
every member sees all of it.
"""

from collections.abc import Iterator
from datetime import date
from functools import partial

import orjson

from app.readmodel.consortium.history import (
    ProposalAt,
    keys_at,
    log_up_to,
    members_at,
    proposals_at,
)
from app.readmodel.consortium.shapes import LogLine
from app.readmodel.facilities.history import (
    FacilityHistory,
    RulesRow,
    SharesRow,
    facility_history,
)
from app.readmodel.facilities.terms import terms_at
from app.readmodel.values import to_date
from app.reports.model import Column, Report, Row, Section, Type, hash_text, rows_of
from app.reports.source import Source

_MEMBERS = (
    Column("member", of="name"),
    Column("role", words=True),
    Column("state", words=True),
    Column("stopped_until", Type.INSTANT),
    Column("at", Type.INSTANT, of="admitted_at"),
    Column("transaction", wide=True, of="admitted_in"),
)
_KEYS = (
    Column("member", of="key.member"),
    Column("purpose", words=True, of="key.purpose"),
    Column("key", wide=True, of="key.key"),
    Column("given_by", of="key.given_by"),
    Column("since_block", Type.COUNT, of="key.since_block"),
    Column("since", Type.INSTANT),
    Column("retired_block", Type.COUNT, of="key.retired_block"),
    Column("retired", Type.INSTANT),
)
_DONE = (
    Column("at", Type.INSTANT),
    Column("what", words=True),
    Column("member"),
    Column("by"),
    Column("details", wide=True, of=lambda one: _json(one.details)),
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
    Column("what", words=True, of="kind"),
    Column("member", of="subject"),
    Column("details", wide=True, of=lambda one: _json(one.asked)),
    Column("by", of="proposer"),
    Column("at", Type.INSTANT, of="created_at"),
    Column("state", words=True),
    Column("decided_at", Type.INSTANT),
    Column("in_favour", of=lambda one: ", ".join(one.in_favour) or None),
    Column("against", of=lambda one: ", ".join(one.against) or None),
    Column("hash", wide=True, of="content_hash"),
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
    Column("effective_from", Type.DATE, of=lambda one: _since(one)),
    Column("amount_tolerance", Type.MONEY),
    Column("date_window_days", Type.COUNT),
    Column("match_deadline_seconds", Type.COUNT),
    Column("cut_off", of=lambda one: one.cut_off.isoformat()),
)
_CHANGES = (
    Column("number", Type.COUNT),
    Column("what", words=True, of="kind"),
    Column("version", Type.COUNT),
    Column("by", of="proposer"),
    Column("at", Type.INSTANT, of="proposed_at"),
    Column("state", words=True),
    Column("decided_at", Type.INSTANT),
    Column("accepted_by", wide=True, of=lambda one: ", ".join(one.accepted_by)),
    Column("waits_for", of=lambda one: ", ".join(one.waits_for) or None),
    Column("hash", wide=True, of=lambda one: hash_text(one.hash)),
    Column("reason_hash", wide=True, of=lambda one: hash_text(one.reason_hash)),
)
_PAUSES = (
    Column("member"),
    Column("at", Type.INSTANT, of="paused_at"),
    Column("resumed_at", Type.INSTANT),
    Column("by", of=lambda one: one.resumed_by or None),
    Column("reason_hash", wide=True, of=lambda one: hash_text(one.reason_hash)),
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
                lambda: rows_of(_MEMBERS, members_at(log, source.as_of.block_time)),
            ),
            Section(
                "keys",
                "Every key that a member has or had, from which block to which",
                _KEYS,
                lambda: rows_of(_KEYS, keys_at(source.connection, source.names, block)),
            ),
            Section(
                "done",
                "What was done to the consortium in the period, by the UTC date of the block: "
                "admissions, suspensions, evictions, keys, validators, upgrades, emergency stops",
                _DONE,
                lambda: rows_of(
                    _DONE, (one for one in log if source.request.covers(one.at.date()))
                ),
            ),
            Section(
                "proposals",
                "What banks asked the others for in the period, by the UTC date of the block; "
                "`hash` is what a vote names",
                _PROPOSALS,
                lambda: rows_of(
                    _PROPOSALS,
                    (
                        one
                        for one in _proposals(source)
                        if source.request.covers(one.created_at.date())
                    ),
                ),
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
                lambda: rows_of(_RULES, history.rules),
            ),
            Section(
                "changes",
                "What parties proposed to change in the facility; `hash` is what an acceptance "
                "signs, `by` the party that proposed it",
                _CHANGES,
                lambda: rows_of(_CHANGES, history.changes),
            ),
            Section(
                "pauses",
                "When a party stopped the posting, and who let it go on",
                _PAUSES,
                lambda: rows_of(_PAUSES, history.pauses),
            ),
        ),
    )


def _upgrades(source: Source, log: list[LogLine]) -> Iterator[Row]:
    voted = [one for one in _proposals(source) if one.kind == "upgrade" and one.state == "enacted"]
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


def _proposals(source: Source) -> list[ProposalAt]:
    block = source.as_of.block_number
    return proposals_at(source.connection, source.names, block, source.clock)


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
        since = _since(version)
        for party, shares in zip(source.facility.partners, version.shares, strict=True):
            yield (
                version.version,
                since,
                party.name,
                shares.principal,
                shares.interest,
                shares.fee,
            )


def _since(version: SharesRow | RulesRow) -> date | None:
    """None: from the beginning."""
    return to_date(version.effective_from) if version.effective_from else None


def _json(facts: dict[str, object]) -> str | None:
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode() if facts else None
