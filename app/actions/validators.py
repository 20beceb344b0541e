"""A bank's part in letting the chain's validator set follow the registry."""

from collections.abc import Sequence

import structlog

from app.actions.view import View
from app.chain.validators import ChainNode, Vote
from app.domain.errors import ChainFault
from app.readmodel.chain import sealing_validators
from app.readmodel.consortium.queries import list_validator_nodes, removed_validators

_log = structlog.get_logger()


class ValidatorVotes:
    """Has a bank's own chain `nodes` (it may have none) vote as the banks have decided in the
    registry."""

    def __init__(self, view: View, member: int, nodes: Sequence[ChainNode]) -> None:
        self._view = view
        self._member = member
        self._nodes = nodes
        self._casting: set[Vote] = set()
        self._has_others = True  # a run before this one may have left votes at the nodes

    def cast(self) -> None:
        """Cast every vote that the validator set still lacks, and take back those that it shows;
        call it again and again.

        Who seals blocks and was never in the registry stays, because a consortium registers its
        founders after its first block. A member does not vote on its own. Raises ChainFault when a
        chain node does not take its vote.
        """
        if not self._nodes:
            return
        due = self._due()
        for address, admit in sorted(due - self._casting):
            _log.info("voting on a validator", validator=address, admit=admit)
        for address, _ in sorted(self._casting - due):
            _log.info("the validator set follows the registry", validator=address)
        self._has_others |= not self._casting <= due
        self._casting = due
        faults = []
        for node in self._nodes:
            try:
                for address, admit in sorted(due):
                    node.cast(address, admit=admit)
                if self._has_others:
                    node.keep_only(due)
            except ChainFault as fault:  # the bank's other nodes can still vote
                faults.append(fault)
        if faults:
            raise faults[0]
        self._has_others = False

    def _due(self) -> set[Vote]:
        """By the verified view: no endpoint may have this bank's chain node vote for a stranger."""
        with self._view.engine.connect() as connection:
            removed = set(removed_validators(connection))
            registered = list_validator_nodes(connection)
            present = sealing_validators(connection)
        wanted = set(registered)
        own = {node for node, member in registered.items() if member == self._member}
        if not own & present:  # its votes would count for nothing
            return set()
        joining, leaving = wanted - own - present, (removed - wanted) & present
        return {(one, True) for one in joining} | {(one, False) for one in leaving}
