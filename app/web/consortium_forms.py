"""The forms by which this bank proposes to the consortium, votes, and asks for emergency stops."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.consortium import CONTRACTS, MEMBER_ROLES
from app.http.context import Context
from app.locale import _, said
from app.prepared_acts.agreement_facts import proposal_facts
from app.readmodel.consortium.queries import (
    list_keys,
    list_members,
    list_validators,
    page_of_proposals,
)
from app.readmodel.consortium.shapes import Proposal
from app.web.act_forms import MEMBERS_READ_IT, ActForm, FormChoice, FormField

_MOST = 50


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key of this bank's, and the commands of who keeps it: empty where there is none."""

    purpose: str
    key: str
    to_replace: str
    where_lost: str


def own_keys(connection: Connection, bank: str) -> list[OwnKey]:
    """The bank's keys that serve."""
    rotate = "tally consortium keys rotate"
    return [
        OwnKey(one.purpose, one.key, "", "tally consortium keys prove recovery --json")
        if one.purpose == "recovery"
        else OwnKey(
            one.purpose,
            one.key,
            f"{rotate} {one.purpose}",
            f"{rotate} {one.purpose} --signed-by recovery",
        )
        for one in list_keys(connection, bank)
        if one.retired_block is None
    ]


def consortium_forms(connection: Connection, context: Context) -> Iterator[ActForm]:
    members = list_members(connection)
    own = next((one for one in members if one.name == context.bank), None)
    if own is None or not own.votes:
        return
    for one in page_of_proposals(connection, None, _MOST, None).items:
        if one.state in ("open", "waiting"):
            form = _proposal_form(context, one)
            if form.choices:
                yield form
    others = [(one.name, f"{one.name} ({said(one.role)}, {said(one.state)})") for one in members]
    member = FormField("member", _("Member"), kind="select", options=others)
    yield _proposing(
        "propose",
        _("Propose to the consortium"),
        _("It counts as this bank’s vote in favour, and expires after 14 days."),
        {
            "suspend": _("suspend a member"),
            "reinstate": _("reinstate a member"),
            "evict": _("evict a member for ever"),
            **{
                f"change_role&role={role}": _("make it %(role)s", role=said(role))
                for role in MEMBER_ROLES
            },
        },
        member,
    )
    yield _proposing(
        "admit",
        _("Admit a newcomer"),
        _(
            "The newcomer makes the file where its keys lie, with this consortium’s network.json: "
            "tally consortium keys show --json. Its keys have signed all of it; no private key is "
            "in it."
        ),
        {"admit": _("admit it")},
        FormField("file", _("The newcomer’s file"), kind="file", required=True),
    )
    yield _proposing(
        "replace_key",
        _("Give a member a key for a lost one"),
        _(
            "The member makes the file with the new key: tally consortium keys prove PURPOSE "
            "--json. After the vote it waits for 7 days, in which the member can object."
        ),
        {"replace_key": _("give it the key")},
        FormField("file", _("The member’s file"), kind="file", required=True),
    )
    yield _proposing(
        "register_validator",
        _("Register a validator"),
        "",
        {"register_validator": _("register it")},
        member,
        FormField("node", _("Node"), _("the address that signs its blocks"), required=True),
        FormField("enode", _("Enode"), _("where its peers find it"), required=True),
    )
    validators = [(one.node, f"{one.node} ({one.member})") for one in list_validators(connection)]
    if validators:
        yield _proposing(
            "remove_validator",
            _("Remove a validator"),
            "",
            {"remove_validator": _("remove it")},
            FormField("node", _("Node"), kind="select", options=validators),
        )
    yield _proposing(
        "upgrade",
        _("Upgrade a contract"),
        _(
            "Other code is put behind a contract; what it holds stays. It takes more than two "
            "thirds of all banks. Who votes is shown the hash of the code."
        ),
        {"upgrade": _("upgrade it")},
        FormField(
            "contract", _("Contract"), kind="select", options=[(one, one) for one in CONTRACTS]
        ),
        FormField("implementation", _("Implementation"), _("its address"), required=True),
        FormField("call", _("Call"), _("made to it at once, in hex; empty for none")),
    )
    yield ActForm(
        "consortium/acts",
        _("Emergency stop"),
        _(
            "The second bank that asks within 24 hours stops the member’s keys, for 72 hours at "
            "most; the same holds for lifting it."
        ),
        [
            FormChoice("consortium.stop", _("ask that a member be stopped")),
            FormChoice("consortium.lift", _("ask that its stop end early")),
        ],
        {"form": "emergency"},
        reason_for=_("Needed to stop. %(note)s", note=_(MEMBERS_READ_IT)),
        fields=(member,),
    )


def _proposing(
    name: str, title: str, intro: str, choices: dict[str, str], *fields: FormField
) -> ActForm:
    """A form that proposes one of these kinds."""
    return ActForm(
        "consortium/acts",
        title,
        intro,
        [FormChoice(f"consortium.propose?kind={kind}", text) for kind, text in choices.items()],
        {"form": name},
        reason_for=_(MEMBERS_READ_IT),
        fields=fields,
    )


def _proposal_form(context: Context, one: Proposal) -> ActForm:
    facts = proposal_facts(context.acts.view, one.number)
    choices = []
    if one.state == "open" and context.bank in one.missing:
        choices += [
            FormChoice("consortium.vote?in_favour=true", _("vote for it")),
            FormChoice("consortium.vote?in_favour=false", _("vote against it")),
        ]
    elif one.state == "open":
        choices.append(FormChoice("consortium.enact", _("enact it, where its majority stands")))
    if one.state == "waiting":
        choices.append(FormChoice("consortium.enact", _("enact it, once it is due")))
        if one.subject == context.bank:
            choices.append(FormChoice("consortium.object", _("object to the key")))
    if one.proposer == context.bank:
        choices.append(FormChoice("consortium.withdraw", _("take it back")))
    asked = ", ".join(
        f"{said(name.replace('_', ' '))} {said(value) if name == 'role' else value}"
        for name, value in one.asked.items()
    )
    votes = ", ".join(f"{v.member} {said('for' if v.in_favour else 'against')}" for v in one.votes)
    return ActForm(
        "consortium/acts",
        _(
            "Proposal %(number)s: %(kind)s",
            number=one.number,
            kind=said(one.kind.replace("_", " ")),
        ),
        _(
            "By %(bank)s: %(asked)s. Votes: %(votes)s. Content hash %(hash)s.",
            bank=one.proposer,
            asked=asked,
            votes=votes,
            hash=one.content_hash,
        ),
        choices,
        {
            "form": f"proposal-{one.number}",
            "proposal": str(one.number),
            "content_hash": one.content_hash,
            "seen": json.dumps(facts),
        },
    )
