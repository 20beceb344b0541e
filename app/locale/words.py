"""Words that stand in data and in code as names, and that pages show (`said`).

In the words of acts' facts, `said_…` is a placeholder whose value is translated as well.
"""

from app.locale import N_

MEMBERS = (
    N_("lead bank"), N_("partner bank"), N_("lead"), N_("partner"), N_("auditor"), N_("regulator"),
    N_("active"), N_("suspended"), N_("evicted"), N_("operator"), N_("approver"), N_("recovery"),
    N_("sealing"),
)  # fmt: skip
ROLES = (
    N_("viewer"), N_("treasury"), N_("officer"), N_("administrator"), N_("invited"), N_("disabled"),
    N_("not enrolled"),
)  # fmt: skip
KINDS = (
    N_("drawdown"), N_("principal"), N_("interest"), N_("penalty"), N_("fee"), N_("top up"),
    N_("reserve interest"), N_("other in"), N_("withdrawal"), N_("service fee"), N_("other out"),
    N_("reversal"), N_("correction"),
)  # fmt: skip
PAIRS = (
    N_("open"), N_("matched"), N_("within tolerance"), N_("amount"), N_("date"),
    N_("amount and date"), N_("missing at partner"), N_("missing at lead"), N_("duplicate at lead"),
    N_("duplicate at partner"), N_("rejected"),
)  # fmt: skip
SEARCHES = (N_("reference"), N_("transaction"), N_("block"))
REJECTED = (
    N_("duplicate"), N_("unknown kind"), N_("amount zero"), N_("amount too large"),
    N_("unknown partner"), N_("partner not allowed"), N_("date too far"), N_("target missing"),
    N_("target reversed"), N_("target not reversible"), N_("target amount"), N_("no parts"),
    N_("resolved"), N_("target voided"), N_("too many open legs"),
)  # fmt: skip
RESOLUTIONS = (
    N_("adjust"), N_("write off"), N_("force"), N_("void"), N_("accepted"), N_("disputed"),
)  # fmt: skip
STATES = (
    N_("proposed"), N_("closed"), N_("paused"), N_("withdrawn"), N_("expired"), N_("enacted"),
    N_("waiting"), N_("objected"), N_("prepared"), N_("signing"), N_("sent"), N_("signed"),
    N_("refused"), N_("failed"), N_("done"),
)  # fmt: skip
QUARANTINE = (
    N_("faulty"), N_("ready"), N_("dismissed"), N_("mended"), N_("reread"), N_("replayed"),
    N_("restored"), N_("facility"), N_("feed"), N_("field"), N_("reason"),
)  # fmt: skip
PREPARED = (
    N_("propose a resolution"), N_("accept the resolution"), N_("dispute the resolution"),
    N_("take our resolution back"), N_("propose to close the day"), N_("confirm the statement"),
    N_("dispute the statement"), N_("take our statement back"),
    N_("propose to open the day again"), N_("open the day again"), N_("take our reopening back"),
    N_("hold the parts of a drawdown"), N_("release what is held"), N_("propose a facility"),
    N_("accept the facility"), N_("decline the facility"), N_("take the facility back"),
    N_("propose new shares"), N_("propose new rules"), N_("propose to close the facility"),
    N_("accept the change"), N_("bring the change into force"), N_("take our change back"),
    N_("stop the posting"), N_("let the posting go on"), N_("propose to the consortium"),
    N_("vote on the proposal"), N_("enact the proposal"), N_("take our proposal back"),
    N_("object to the key"), N_("ask for an emergency stop"), N_("ask to end the emergency stop"),
)  # fmt: skip
FACTS = (
    N_("Proposed resolution"), N_("Its reason"), N_("Resolved"), N_("The lead's half"),
    N_("The partner's half"), N_("Closed through"), N_("Statement that waits"),
    N_("Reopening proposed by"), N_("Open lead legs"), N_("Open partner legs"),
    N_("Accepted differences"), N_("Count of open legs"), N_("none"), N_("sealed for others"),
    N_("%(said_label)s was %(said_before)s and is now %(said_now)s"),
    N_("%(amount)s, value date %(date)s"), N_("%(amount)s, value date %(date)s, reversed"),
    N_("%(day)s by us, hash %(hash)s"), N_("%(day)s by the other bank, hash %(hash)s"),
    N_("%(day)s, hash %(hash)s"), N_("%(bank)s, reason hash %(hash)s"),
    N_("%(said_action)s by %(bank)s (number %(number)s)"),
    N_("%(said_action)s at the lead"), N_("%(said_action)s at the partner"),
    N_("Part of %(partner)s"), N_("Held for it already"), N_("Held until"), N_("Held"),
    N_("Still to accept it"), N_("Paused by"), N_("Changes that wait"), N_("Change %(number)s"),
    N_("Its hash"), N_("New rules"), N_("Pause of"), N_("Split by"), N_("Shares of %(name)s"),
    N_("Proposal %(number)s"), N_("Our vote"), N_("Vote"), N_("for"), N_("against"),
    N_("Content hash"), N_("Standing"), N_("Stopped until"), N_("Asked for"), N_("Proof"),
    N_("Votes so far"), N_("%(yes)s of %(needed)s needed, %(no)s against"), N_("What follows"),
    N_("this vote makes the majority"), N_("Asked for within 24 hours by"),
    N_("Code hash (keccak-256)"), N_("there is no code"),
    N_("no contract of this network"), N_("signed by the keys that are named"),
    N_("none, as a sealing key signs nothing: compare it with what its holder tells you"),
    N_("version %(number)s: %(said_what)s"), N_("rules by %(bank)s: %(said_what)s"),
    N_("shares by %(bank)s: %(said_what)s"), N_("close by %(bank)s: %(said_what)s"),
    N_("tolerance %(amount)s, window %(days)s days, deadline %(hours)s h, "
       "cut-off %(time)s, %(said_from)s"),
    N_("%(said_shares)s basis points of principal/interest/fee, %(said_from)s"),
    N_("%(shares)s basis points of principal/interest/fee"),
    N_("for ever, once nothing is open or held"),
    N_("admit, by %(bank)s"), N_("suspend, by %(bank)s"), N_("reinstate, by %(bank)s"),
    N_("evict, by %(bank)s"), N_("change role, by %(bank)s"), N_("replace key, by %(bank)s"),
    N_("register validator, by %(bank)s"), N_("remove validator, by %(bank)s"),
    N_("upgrade, by %(bank)s"),
    N_("Shares of"), N_("%(amount)s, reference %(hash)s"), N_("reference %(hash)s"),
    N_("%(facility)s, led by %(bank)s, in %(currency)s"),
    N_("%(shares)s basis points of principal/interest/fee, warned below %(amount)s"),
    N_("tolerance %(amount)s, window %(days)s days, deadline %(hours)s h"),
    N_("the contract"), N_("the lead"), N_("proxy"),
    N_("%(bank)s, lead"), N_("%(bank)s, partner"), N_("%(bank)s, auditor"),
    N_("%(bank)s, regulator"), N_("%(said_number)s (shares)"), N_("%(said_number)s (rules)"),
    N_("%(said_number)s (close)"),
    N_("Opening, lead book"), N_("Opening, partner book"), N_("Movement, lead book"),
    N_("Movement, partner book"), N_("Movement, agreed"), N_("Closing, lead book"),
    N_("Closing, partner book"), N_("Closing, agreed"),
)  # fmt: skip
CONSORTIUM = (
    N_("admit"), N_("suspend"), N_("reinstate"), N_("evict"), N_("change role"), N_("replace key"),
    N_("register validator"), N_("remove validator"), N_("upgrade"), N_("member"), N_("name"),
    N_("role"), N_("sealing key"), N_("purpose"), N_("key"), N_("node"), N_("enode"),
    N_("contract"), N_("implementation"),
    N_("member admitted"), N_("member state changed"), N_("member role changed"),
    N_("member key replaced"), N_("validator registered"), N_("validator removed"),
    N_("contract upgraded"), N_("proposal made"), N_("vote cast"), N_("proposal enacted"),
    N_("proposal rejected"), N_("proposal withdrawn"), N_("key replacement waits"),
    N_("key replacement objected"), N_("emergency raised"), N_("emergency stopped"),
    N_("emergency lift raised"), N_("emergency lifted"),
)  # fmt: skip
AUDIT = (
    N_("sign-in"), N_("sign-out"), N_("enrol"), N_("second-factor"), N_("export"),
    N_("person.add"), N_("person.roles"), N_("person.enrolment"), N_("person.disable"),
    N_("person.enable"), N_("person.sign-out"), N_("session.code"), N_("session.revoke"),
    N_("key.create"), N_("key.revoke"), N_("feed.upload"), N_("dead-letters.replay"),
    N_("quarantine.mended"), N_("quarantine.reread"), N_("quarantine.replayed"),
    N_("quarantine.dismissed"), N_("quarantine.restored"),
    N_("breaks.assign"), N_("breaks.comment"), N_("breaks.propose"), N_("breaks.accept"),
    N_("breaks.dispute"), N_("breaks.withdraw"), N_("days.propose"), N_("days.confirm"),
    N_("days.dispute"), N_("days.withdraw"), N_("holds.place"), N_("holds.release"),
    N_("facilities.propose"), N_("facilities.accept"), N_("consortium.propose"),
    N_("consortium.vote"), N_("report.make"), N_("report.delete"),
    N_("administration.ask"), N_("administration.confirm"), N_("administration.refuse"),
    N_("alert.acknowledged"), N_("alert.mail"), N_("alert.rule"), N_("alert.snoozed"),
    N_("archive"), N_("audit.anchor"), N_("breaks.delete-view"), N_("breaks.save-view"),
    N_("consortium.enact"), N_("consortium.lift"), N_("consortium.object"), N_("consortium.stop"),
    N_("consortium.withdraw"), N_("days.confirm_reopening"), N_("days.propose_reopening"),
    N_("days.withdraw_reopening"), N_("facilities.accept_change"), N_("facilities.decline"),
    N_("facilities.enact_change"), N_("facilities.pause"), N_("facilities.propose_close"),
    N_("facilities.propose_rules"), N_("facilities.propose_shares"), N_("facilities.resume"),
    N_("facilities.withdraw"), N_("facilities.withdraw_change"), N_("grants.grant"),
    N_("grants.revoke"), N_("keys.rotate"), N_("person.display-name"), N_("webhook.register"),
    N_("webhook.remove"), N_("webhook.replay"), N_("webhook.rotate"),
)  # fmt: skip
"""All acts of the audit trail."""
AUDIT_SUBJECTS = (
    N_("account %(account)s"), N_("break %(number)s"), N_("%(count)s breaks"),
    N_("drawdown %(drawdown)s"), N_("facility %(facility)s"),
    N_("facility %(facility)s, change %(number)s"), N_("feed %(number)s"), N_("grant %(number)s"),
    N_("member %(number)s"), N_("proposal %(number)s"), N_("for proposal %(numbers)s"),
    N_("against proposal %(numbers)s"), N_("operator key"), N_("approver key"),
    N_("certificate of pair %(number)s"), N_("certificate of the day's statement %(number)s"),
    N_("all"),
)  # fmt: skip
ACTORS = (N_("nobody"), N_("node"), N_("provider"))
AUDIT_DETAILS = (
    N_("assigned to"), N_("prepared act"), N_("signed by"), N_("transactions"), N_("job"),
    N_("size"), N_("roles"), N_("rows"), N_("sessions"), N_("session"), N_("events"),
    N_("batches"), N_("before"), N_("after"), N_("asked by"), N_("act"), N_("note"), N_("why"),
    N_("breaks"), N_("folder"), N_("manifest"), N_("issuer"), N_("by"), N_("enabled"),
    N_("minutes"), N_("amounts"), N_("escalate minutes"), N_("escalate to"), N_("url"),
    N_("deliveries"),
)  # fmt: skip

DEVELOPMENT = N_("password “%(password)s”, code %(code)s")
REPORTS = (
    N_("from"), N_("to"), N_("block hash"), N_("block time"), N_("names opened by"),
    N_("vouched by"), N_("provisional"),
    N_("the period was not over at this block: %(day)s ends with a later cut-off, and until then "
       "more can come; nothing here is final"),
    N_("seals of the chain's validators, which the node that made this has checked"),
    N_("nobody: no validator seals this chain, and figures are as one endpoint told them"),
    N_("currency"), N_("up to 1 day"), N_("up to 3 days"), N_("up to 7 days"),
    N_("up to 30 days"), N_("over 30 days"), N_("reopened"), N_("replaced"), N_("in force"),
    N_("declined"), N_("close"),
    N_("equal to the contract's own books after this block"),
    N_("from the legs alone: of past blocks the node keeps no books of the contract"),
    N_("none: only a bank's own report of now holds them"),
    N_("those of %(bank)s, as of when this was made"),
)  # fmt: skip
"""Parameters of reports, and words in their cells, that no page shows."""
CERTIFICATES = (
    N_("certificate"), N_("facility number"), N_("not opened"), N_("opened by grant"),
    N_("result"), N_("agreed on"), N_("halves"), N_("signer"), N_("word"), N_("movement"),
    N_("legs"), N_("signers"), N_("accepted at"), N_("accepted in"), N_("as of"), N_("chain id"),
    N_("change"), N_("terms"), N_("answered at"), N_("proposed at"), N_("proposed in"),
    N_("statement hash"), N_("reason hash"), N_("lead moved"), N_("partner moved"),
    N_("accepted difference"), N_("event ref"), N_("posted at"), N_("sequence"), N_("bank"),
)  # fmt: skip
MARKS = (N_(". "), N_(": "), N_("; "))
"""Between the parts of a fault."""
