"""Alerts in words, for pages, mails, REST and the command line, in the current language."""

from app.alerts.judge import Details
from app.alerts.kinds import AlertKind
from app.locale import N_, translated

_TITLES = {
    AlertKind.LOW_BALANCE: N_("Low balance"),
    AlertKind.SHORTFALL: N_("Shortfall"),
    AlertKind.PROJECTED_SHORTFALL: N_("Projected shortfall"),
    AlertKind.OVERDUE_BREAK: N_("Overdue break"),
    AlertKind.LARGE_BREAK: N_("Large break"),
    AlertKind.PROOF: N_("Proof not zero"),
    AlertKind.DAY_NOT_CLOSED: N_("Day not closed"),
    AlertKind.FEED_SILENT: N_("Feed silent"),
    AlertKind.BATCH_STOPPED: N_("Postings stopped"),
    AlertKind.CHAIN_STALLED: N_("Chain stalled"),
    AlertKind.EXPIRY: N_("Key or certificate near its end"),
    AlertKind.NOT_ARCHIVED: N_("Closed days not archived"),
}

_SENTENCES = {
    AlertKind.LOW_BALANCE: N_(
        "The balance is %(balance)s %(currency)s, below the threshold of %(threshold)s."
    ),
    AlertKind.SHORTFALL: N_("The reserve is short by %(shortfall)s %(currency)s."),
    AlertKind.PROJECTED_SHORTFALL: N_(
        "The balance is projected below zero on %(day)s; a top-up of %(top_up)s %(currency)s is "
        "suggested."
    ),
    AlertKind.OVERDUE_BREAK: N_("Legs without another half past their deadline: %(breaks)s."),
    AlertKind.LARGE_BREAK: N_(
        "A break differs by %(difference)s %(currency)s; the limit is %(limit)s."
    ),
    AlertKind.PROOF: N_("The two books differ by %(proof)s %(currency)s that nothing explains."),
    AlertKind.DAY_NOT_CLOSED: N_("The business date %(day)s has ended and is not closed."),
    AlertKind.FEED_SILENT: N_("No feed has come since %(last_feed)s."),
    AlertKind.BATCH_STOPPED: N_("Nothing more is posted until a person has looked: %(why)s"),
    AlertKind.CHAIN_STALLED: N_("The chain stands still: %(why)s"),
    AlertKind.EXPIRY: N_("%(name)s ends at %(ends)s."),
    AlertKind.NOT_ARCHIVED: N_("Closed days stay in the database: %(why)s"),
}


def sentence(kind: AlertKind, details: Details) -> str:
    """What is the matter, with its figures, in the current language."""
    return translated(_SENTENCES[kind]) % details


def kind_title(kind: AlertKind) -> str:
    """The kind's name in the current language."""
    return translated(_TITLES[kind])
