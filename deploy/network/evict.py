"""Evicting a member: the banks' votes, then its validators, its chain node and its access.

In this order of trust: the registry decides, the chain's validator set follows it.
"""

from dataclasses import replace
from pathlib import Path

from app.chain.validators import outvotes, quorum
from app.contracts.proposals import about
from app.domain.errors import ChainFault, UsageFault
from deploy.network.health import look
from deploy.network.layout import Network
from deploy.network.membership import Change, Say, changing
from deploy.network.operate import stop_some

_FEWEST_BANKS = 2


def evict(root: Path, name: str, say: Say) -> Network:
    """Evict `name` from the network in `root` by the votes of the other banks whose keys lie there;
    returns what is left of it.

    Its certificates are refused from the vote on, and its chain node is stopped. Cut off anywhere
    and run again, it goes on. Of one whose admission is not through it takes back what that has
    made here. Raises UsageFault for no member, for banks that cannot be spared, and
    where too few keys lie there; ChainFault.
    """
    with changing(root, "evict", name, say) as change:
        if change.number == 0 and change.is_joining:
            left = _close(change)
            change.finish()
            say(f"the admission of {name} is given up; an open proposal of it expires by itself")
            return left
        nodes = _decide(change)
        if change.state != "evicted":
            change.note(nodes=nodes)
            number = change.number
            change.ballot.carry([about("evict", number)], f"evict {name}", say, subject=number)
        folder = change.network.folder
        folder.write_members([one for one in folder.members() if one.name != name])
        change.apply(change.network)
        refused = "; its certificates are refused" if change.network.api_tls_ports else ""
        say(f"{name} is a member no more{refused}")
        change.follow(nodes, admit=False)
        left = _close(change)
        change.finish()
        return left


def _decide(change: Change) -> list[str]:
    """The validators that are to go. Raises UsageFault, ChainFault."""
    noted, number = change.noted(), change.number
    if number == 0:
        known = ", ".join(member.name for member in change.network.folder.members())
        raise UsageFault(f"there is no member {change.name!r}", remedy=f"There are {known}")
    if noted is not None:
        return list(noted["nodes"])
    if change.state == "evicted" and not change.is_listed:
        raise UsageFault(f"{change.name} was evicted already", remedy="Nothing is left to do")
    described = {one.address for one in change.network.validators if one.bank == change.name}
    nodes = sorted(described | change.view.nodes_of(number))
    if change.state != "evicted":
        _check_banks(change, number)
        change.ballot.voters(number)
    _check_validators(change, nodes)
    return nodes


def _check_banks(change: Change, number: int) -> None:
    left = [one for one in change.registry.active_banks() if one != number]
    if len(left) < _FEWEST_BANKS:
        raise UsageFault(
            f"{change.name} cannot be evicted: of two banks neither can evict the other",
            remedy="Admit a third bank first",
        )


def _check_validators(change: Change, nodes: list[str]) -> None:
    """The others must be able to outvote it, and to go on without it."""
    present = change.view.sealing()
    leaving = present.intersection(nodes)
    if not leaving:
        return
    staying = [
        one
        for one in look(change.network).validators
        if one.validator.bank != change.name and one.validator.address in present
    ]
    if not outvotes(len(staying), len(present)):
        raise UsageFault(
            f"{change.name} runs {len(leaving)} of {len(present)} validators: the other banks' "
            "cannot vote them out",
            remedy="Admit banks with validators of their own first",
        )
    answering = sum(one.answers for one in staying)
    if answering < quorum(len(present) - len(leaving)):
        raise ChainFault(
            f"without {change.name} the chain would stand still: {answering} of the "
            f"{len(staying)} validators that stay are running",
            where=str(change.network.folder.root),
            remedy="Start them with `tally network up`, then run this again",
        )


def _close(change: Change) -> Network:
    """Stop its chain node, and leave it out of what describes the network."""
    network, name = change.network, change.name
    leaving = [one for one in network.validators if one.bank == name]
    stop_some(network, leaving)
    left = replace(
        network,
        validators=[one for one in network.validators if one.bank != name],
        api_tls_ports={key: port for key, port in network.api_tls_ports.items() if key != name},
    )
    left.write()
    change.apply(left)
    if leaving:
        change.say(f"stopped {', '.join(one.name for one in leaving)}")
    return left
