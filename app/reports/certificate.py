"""Certificates: what two banks signed about one pair, or about one closed day, in one small file.

It is canonical JSON (RFC 8785: keys sorted, no blanks, UTF-8), so that everyone who may see the
same writes the same bytes. A pair that is neither matched nor resolved can still change: its
certificate names the block as of which it stands. A half that its bank has reversed says so.
"""

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select

from app.domain.money import format_amount
from app.readmodel.chain import cursor, position
from app.readmodel.days.shapes import DayRecord
from app.readmodel.directory import Directory, Facility, directory
from app.readmodel.facilities.history import facility_history
from app.readmodel.facilities.tables import facilities
from app.readmodel.pairs.resolutions import ResolutionFilter, asked, resolutions
from app.readmodel.pairs.shapes import DUPLICATE_TYPES, MATCHED_TYPES, Half, Pair
from app.readmodel.signers import block_at, key_at, posting_of
from app.readmodel.values import to_date
from app.reports.model import instant_text

Facts = dict[str, Any]


def pair_certificate(connection: Connection, pair: Pair) -> bytes:
    """The certificate of a pair, or of a duplicate leg."""
    names = directory(connection)
    facility = names.facility(pair.facility)
    assert facility is not None
    halves = {
        side: _half(connection, names, facility, pair, side, half)
        for side, half in (("lead", pair.lead), ("partner", pair.partner_half))
        if half is not None
    }
    facts: Facts = {
        "certificate": "pair",
        **_of_account(connection, facility, pair.partner),
        "kind": pair.kind,
        "reference": pair.reference,
        "event_ref": pair.event_ref,
        "target": pair.target,
        "result": pair.type,
        "halves": halves,
    }
    if pair.event_ref is None:
        facts["not_opened"] = ["event_ref"]
    if pair.is_granted:
        facts["opened_by_grant"] = ["event_ref"]
    if pair.difference is not None:
        facts["difference"] = format_amount(pair.difference, facility.decimals)
    if pair.agreed_business_date is not None:
        facts["agreed_on"] = pair.agreed_business_date.isoformat()
    if pair.rules_version is not None:
        facts["rules"] = _rules(connection, names, facility, pair.rules_version)
    if pair.action is not None:
        facts["resolution"] = _resolution(connection, names, facility, pair)
    elif pair.type not in (*MATCHED_TYPES, *DUPLICATE_TYPES):
        read = position(connection)
        assert read is not None
        facts["as_of"] = {
            "block": read.block_number,
            "block_hash": read.block_hash,
            "block_time": instant_text(read.block_time),
        }
    return _canonical(facts)


def day_certificate(connection: Connection, record: DayRecord) -> bytes:
    """The certificate of a day's statement, with the state that it is in."""
    names = directory(connection)
    facility = names.facility(record.facility)
    assert facility is not None
    statement = record.statement

    def amounts(sums: Any) -> Facts:
        return {
            book: format_amount(amount, facility.decimals) for book, amount in asdict(sums).items()
        }

    is_open = statement.open
    signers = [_signer(connection, names, record.proposed_by, record.proposed_at, "proposed_at")]
    if record.answered_by is not None and record.answered_at is not None:
        signers.append(
            _signer(connection, names, record.answered_by, record.answered_at, "answered_at")
        )
    return _canonical(
        {
            "certificate": "day",
            **_of_account(connection, facility, record.partner),
            "day": record.day.isoformat(),
            "state": record.state,
            "opening": amounts(statement.opening),
            "movement": amounts(statement.movement),
            "closing": amounts(statement.closing),
            "open": {
                "lead": format_amount(is_open.lead, facility.decimals),
                "partner": format_amount(is_open.partner, facility.decimals),
                "accepted_difference": format_amount(
                    is_open.accepted_difference, facility.decimals
                ),
                "legs": is_open.legs,
                "pairs": [f"0x{key:064x}" for key in is_open.names],
            },
            "statement_hash": "0x" + record.statement_hash.hex(),
            "proposed_in": record.transaction,
            "signers": signers,
        }
    )


def digest_of(certificate: bytes) -> str:
    """SHA-256 of a certificate's file, hex."""
    return hashlib.sha256(certificate).hexdigest()


def _of_account(connection: Connection, facility: Facility, partner: str) -> Facts:
    return {
        "chain_id": connection.execute(select(cursor.c.chain_id)).scalar_one(),
        "facility": facility.id,
        "facility_number": facility.number,
        "lead": facility.lead,
        "partner": partner,
        "currency": facility.currency,
    }


def _half(
    connection: Connection,
    names: Directory,
    facility: Facility,
    pair: Pair,
    side: str,
    half: Half,
) -> Facts:
    bank = facility.lead if side == "lead" else pair.partner
    member = names.member(bank)
    assert member is not None
    posting = posting_of(connection, facility.number, member.number, half.sequence)
    return {
        **({"reversed": True} if half.reversed else {}),
        "bank": bank,
        "signer": key_at(connection, member.number, "operator", posting.block),
        "amount": format_amount(half.amount, facility.decimals),
        "value_date": half.value_date.isoformat(),
        "business_date": half.business_date.isoformat(),
        "posted_at": instant_text(half.posted_at),
        "sequence": half.sequence,
        "word": half.index,
        "transaction": posting.transaction,
        "block": posting.block,
        "block_hash": posting.block_hash,
    }


def _rules(connection: Connection, names: Directory, facility: Facility, version: int) -> Facts:
    """The version that judged the pair, and the hash of what the parties accepted with it."""
    history = facility_history(connection, names, facility.number)
    [rules] = [one for one in history.rules if one.version == version]
    accepted = [
        one.hash for one in history.changes if one.kind == "rules" and one.version == version
    ]
    f = facilities.c
    terms = connection.execute(
        select(f.terms_hash).where(f.number == facility.number)
    ).scalar_one_or_none()
    agreed = accepted[0] if accepted else terms
    return {
        "version": version,
        "effective_from": to_date(rules.effective_from).isoformat()
        if rules.effective_from
        else None,
        "amount_tolerance": format_amount(rules.amount_tolerance, facility.decimals),
        "date_window_days": rules.date_window_days,
        "match_deadline_seconds": rules.match_deadline_seconds,
        "cut_off": rules.cut_off.isoformat(),
        "accepted_in": "change" if accepted else "terms",
        "hash": None if agreed is None else "0x" + bytes(agreed).hex(),
    }


def _resolution(connection: Connection, names: Directory, facility: Facility, pair: Pair) -> Facts:
    where = ResolutionFilter(pair=pair.number, statuses=("accepted",))
    one = resolutions(connection, where, 1).items[0]
    assert one.decided_by is not None
    assert one.decided_at is not None
    signed = asked(connection, one.number)

    def amount(minor: int | None) -> str | None:
        return None if minor is None else format_amount(minor, facility.decimals)

    return {
        "action": one.action,
        "side": one.side,
        "business_date": one.business_date.isoformat(),
        "state": "0x" + signed.state.hex(),
        "reason_hash": "0x" + signed.reason_hash.hex(),
        "proposed_in": one.proposed_in,
        "accepted_in": one.decided_in,
        "signers": [
            _signer(connection, names, one.proposed_by, one.proposed_at, "proposed_at"),
            _signer(connection, names, one.decided_by, one.decided_at, "accepted_at"),
        ],
        "lead_moved": amount(one.lead_moved),
        "partner_moved": amount(one.partner_moved),
        "agreed": amount(one.agreed),
        "accepted_difference": amount(one.accepted_difference),
    }


def _signer(
    connection: Connection, names: Directory, bank: str, moment: datetime, what: str
) -> Facts:
    member = names.member(bank)
    assert member is not None
    block = block_at(connection, int(moment.timestamp()))
    return {
        "bank": bank,
        "approver": key_at(connection, member.number, "approver", block),
        what: instant_text(moment),
    }


def _canonical(facts: Facts) -> bytes:
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
