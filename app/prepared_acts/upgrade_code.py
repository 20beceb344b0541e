"""The code that an upgrade brings, which is asked of the chain when an act about one is prepared,
and again when it is signed."""

from eth_utils.crypto import keccak

from app.actions.view import View
from app.chain.newest import newest_state
from app.chain.rpc import Rpc
from app.domain.errors import ChainUnreachable
from app.prepared_acts.agreement_facts import upgraded_to
from app.prepared_acts.in_time import answer_within
from app.prepared_acts.kinds import Facts

CODE_HASH = "Code hash (keccak-256)"


def code_facts(view: View, rpc: Rpc, asked: object) -> Facts:
    """The code that an upgrade would put behind a contract, as the chain has it now; nothing of any
    other act. Raises ChainFault."""
    address = upgraded_to(view, asked)
    if address is None:
        return {}
    read: list[str] = []
    answer_within(lambda: read.append(newest_state(rpc, "eth_getCode", address)), "read code")
    if not read:
        raise ChainUnreachable("the chain did not answer in time")
    code = keccak(hexstr=read[0])
    return {CODE_HASH: "there is no code" if code == keccak(b"") else "0x" + code.hex()}
