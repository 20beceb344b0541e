"""The view held against the contracts' own counts and books after a block."""

import copy
import time
from collections.abc import Container
from contextlib import suppress

from app.chain.engines import state_is_gone
from app.chain.errors import ChainAnswer, NotVerified
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.domain.errors import ChainUnreachable
from app.indexer.changes import Changes, Incident
from app.indexer.completeness import check_complete
from app.indexer.contract_books import read_books
from app.indexer.errors import Incomplete, ShortAnswer
from app.indexer.refusal import refused
from app.indexer.scan import Range
from app.indexer.state import Account, State
from app.verify.bloom import may_name

_COUNT_ALL_EVERY_S = 60.0
_NEXT_BLOCK_S = 2.0
_POLL_S = 0.05


class ContractCheck:
    """Asks the contracts. `is_verified`: the view is of verified events, so that what an endpoint
    says of the contracts can be wrong, and the view is not."""

    def __init__(self, rpc: Rpc, manifest: Manifest, *, is_verified: bool) -> None:
        self._rpc = rpc
        self._manifest = manifest
        self._is_verified = is_verified
        self.count_all_at = 0.0
        """When all facilities are counted again at the latest (monotonic clock)."""

    def check(self, state: State, found: Range, changes: Changes) -> None:
        """Hold the view against the contracts' own state after the range's last block."""
        stale = [
            account
            for account in state.accounts.values()
            if account.contract is None or account.contract.block != account.last_block
        ]
        facilities = self._to_count(state, found, changes)
        try:
            try:
                differing = self._compare(state, found, facilities, stale)
                again = bool(differing)
            except Incomplete:
                again = True
            if again:
                # A node may answer a call at its newest block from the next one, which it is just
                # making (anvil does). At a past block what differs still, is so.
                self._wait_until_past(found.last.number)
                differing = self._compare(state, found, facilities, stale)
            changes.incidents += differing
        except ChainAnswer as answer:
            if not state_is_gone(answer.text):
                raise
            # The chain has moved far on in the meantime: the next head is checked instead.
            for account in stale:
                account.contract = None
            return
        if differing and self._is_verified:
            self._refuse_books(stale, found.last.number)
        for account in stale:
            changes.add_account(account)

    def _refuse_books(self, stale: list[Account], block: int) -> None:
        """The view is of verified events: books that are not their sums are not shown.

        Raises NotVerified where another endpoint answers the sums.
        """
        for account in stale:
            if account.contract is not None and account.contract.books != account.books:
                account.contract = None
        for other in self._rpc.others():
            with suppress(ChainUnreachable, ChainAnswer), refused(other):
                if not read_books(other, self._manifest, copy.deepcopy(stale), block):
                    break
        else:
            return
        raise NotVerified(
            f"the ledger's books at block {block} are not what its events add up to",
            where=self._rpc.url,
        )

    def is_whole(self, state: State) -> bool:
        """Whether the view as it is written is what the contracts counted at its own last block:
        then it was no earlier answer that was short, and the view stands. False where nobody can
        say, because the endpoint has that block's state no more."""
        if state.block_number is None:
            return True
        accounts = list(state.accounts.values())
        try:
            check_complete(self._rpc, self._manifest, state, state.block_number, state.facilities)
            return not read_books(self._rpc, self._manifest, accounts, state.block_number)
        except (Incomplete, ShortAnswer):
            return False
        except ChainAnswer as answer:
            if not state_is_gone(answer.text):
                raise
            return False

    def _wait_until_past(self, block: int) -> None:
        """Wait for a next block, if one is being made."""
        deadline = time.monotonic() + _NEXT_BLOCK_S
        while int(self._rpc.call("eth_blockNumber", []), 16) <= block:
            if time.monotonic() > deadline:
                return
            time.sleep(_POLL_S)

    def _compare(
        self, state: State, found: Range, facilities: Container[int], stale: list[Account]
    ) -> list[Incident]:
        block = found.last.number
        if not found.empty and not self._is_verified:
            check_complete(self._rpc, self._manifest, state, block, facilities)
        return read_books(self._rpc, self._manifest, stale, block)

    def _to_count(self, state: State, found: Range, changes: Changes) -> Container[int]:
        """The facilities of which a range may have brought something, whether or not it was told:
        all where its headers do not say, and now and then."""
        now = time.monotonic()
        if found.blooms is None or now >= self.count_all_at:
            self.count_all_at = now + _COUNT_ALL_EVERY_S
            return state.facilities
        named = {one for one in state.facilities if any(may_name(b, one) for b in found.blooms)}
        return named.union(facility for facility, _ in changes.accounts)
