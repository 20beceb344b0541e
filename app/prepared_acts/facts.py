"""What an act is prepared against, as facts in words: what has changed since is what differs."""

from app.actions import breaks, days
from app.actions.view import View
from app.domain.day_close import Statement
from app.domain.errors import UsageFault
from app.domain.money import format_amount
from app.prepared_acts.agreement_facts import agreement_facts
from app.prepared_acts.kinds import Content, Facts
from app.readmodel.pairs import queries
from app.readmodel.pairs.shapes import Half, Pair
from app.readmodel.values import to_date

_NONE = "none"


def facts_of(asked: object, view: View) -> Facts:
    """What this bank's node has read of what an act is about, as it is now."""
    match asked:
        case (
            breaks.ProposeResolution()
            | breaks.AcceptResolution()
            | breaks.DisputeResolution()
            | breaks.WithdrawResolution()
        ):
            return break_facts(view, asked.number)
        case days.ProposeDay():
            return account_facts(view, asked.account) | _own_figures(
                view, asked.account, asked.statement.day
            )
        case _ if hasattr(asked, "account"):
            return account_facts(view, asked.account)
        case _:
            return agreement_facts(view, asked)


def break_facts(view: View, number: int) -> Facts:
    """A break's halves, what is proposed for it, and how it was resolved, if it was."""
    with view.engine.connect() as connection:
        pair = queries.pair(connection, number)
    if pair is None:
        raise UsageFault(
            f"there is no break {number} here",
            remedy="The bank's node reads new ones from the chain",
        )
    terms = view.facility(pair.facility).terms
    return halves_facts(pair, terms.decimals, terms.currency) | {
        "Proposed resolution": _proposal(pair),
        "Its reason": _NONE
        if pair.proposal is None
        else pair.proposal.reason or "sealed for others",
        "Resolved": _NONE if pair.action is None else pair.action.replace("_", " "),
    }


def halves_facts(pair: Pair, decimals: int, currency: str) -> Facts:
    """Of both halves alone."""
    return {
        "The lead's half": _half(pair.lead, decimals, currency),
        "The partner's half": _half(pair.partner_half, decimals, currency),
    }


def account_facts(view: View, account: days.Account) -> Facts:
    """An account's last closed day, and what waits for an answer, with its figures."""
    waiting = days.waiting_day(view, account)
    try:
        closed = days.last_closed(view, account)
        last = f"{to_date(closed.day)}, hash {closed.statement_hash.hex()}"
        reopening = _NONE
        if closed.reopening_hash is not None:
            reopening = f"{closed.reopening_by}, reason hash {closed.reopening_hash.hex()}"
    except UsageFault:
        last = reopening = _NONE
    figures = {} if waiting is None else _figures(waiting.statement, account.decimals)
    return {
        "Closed through": last,
        "Statement that waits": _NONE
        if waiting is None
        else f"{to_date(waiting.statement.day)} by {'us' if waiting.by_us else 'the other bank'}, "
        f"hash {waiting.statement_hash.hex()}",
        "Reopening proposed by": reopening,
    } | figures


def facts_of_account(view: View, facility: str, partner: str) -> Facts:
    """The same of an account that is named."""
    return account_facts(view, days.find_account(view, facility, partner))


def changes(before: Facts, now: Facts) -> list[str]:
    """What has changed, in words."""
    return [
        f"{label} was {before.get(label, _NONE)} and is now {text}"
        for label, text in now.items()
        if before.get(label, _NONE) != text
    ]


def changed_since(content: Content, view: View) -> list[str]:
    """What has changed since an act was prepared, in words; empty where nothing has."""
    return changes(content.facts, facts_of(content.asked, view))


def statement_differences(view: View, facility: str, partner: str) -> str:
    """Where the other bank's statement that waits is not what this bank's own legs come to, in
    words; empty where it is."""
    account = days.find_account(view, facility, partner)
    try:
        days.check_statement(view, account, days.day_to_answer(view, account))
    except UsageFault as fault:
        return fault.what
    return ""


def _own_figures(view: View, account: days.Account, day: int) -> Facts:
    try:
        return _figures(days.own_statement(view, account, day), account.decimals)
    except UsageFault:  # it is closed, which the account's own facts say
        return {}


def _figures(statement: Statement, decimals: int) -> Facts:
    found = {}
    for name in ("opening", "movement", "closing"):
        sums = getattr(statement, name)
        for book, word in (
            ("lead", "lead book"),
            ("partner", "partner book"),
            ("agreed", "agreed"),
        ):
            amount = format_amount(getattr(sums, book), decimals)
            found[f"{name.capitalize()}, {word}"] = amount
    return found | {
        "Open lead legs": format_amount(statement.open.lead, decimals),
        "Open partner legs": format_amount(statement.open.partner, decimals),
        "Accepted differences": format_amount(statement.open.accepted_difference, decimals),
        "Count of open legs": f"{statement.open.legs}",
    }


def _half(half: Half | None, decimals: int, currency: str) -> str:
    if half is None:
        return _NONE
    text = f"{format_amount(half.amount, decimals)} {currency}, value date {half.value_date}"
    return text + (", reversed" if half.reversed else "")


def _proposal(pair: Pair) -> str:
    one = pair.proposal
    if one is None:
        return _NONE
    at = f" at the {one.side}" if one.side else ""
    return f"{one.action.replace('_', ' ')}{at} by {one.proposed_by} (number {one.number})"
