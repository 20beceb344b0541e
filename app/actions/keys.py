"""A bank's own keys replaced by fresh ones: the new key's file first, the chain next, then the old
key's file is set aside. Cut off anywhere, it goes on with the same new key."""

from dataclasses import dataclass
from pathlib import Path

from app.actions.consortium import Council
from app.actions.signer import Done, Signer
from app.chain.rpc import Rpc
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.proposals import key_word, purpose_number
from app.domain.errors import ChainFault
from app.keys.keystore import install_successor, prepare_successor

ROTATED_BY = {"operator": "approver", "sealing": "approver", "approver": "recovery"}
"""Which of a bank's own keys replaces which; the recovery key replaces the others too."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The new key, where the old one's file lies now, and the transaction (None: it was mined by an
    earlier call that was cut off)."""

    key: str
    old_key_file: Path
    done: Done | None


def rotate(
    rpc: Rpc,
    registry: ConsortiumRegistry,
    member: int,
    folder: Path,
    purpose: str,
    *,
    signed_by: str,
    development: bool,
) -> Rotated:
    """Replace a bank's operator, sealing or approver key, with its key `signed_by`.

    Raises KeyUnusable, ContractReverted when the registry refuses, ChainFault when the chain has
    neither the old key nor the new one.
    """
    successor = prepare_successor(folder, purpose, development=development)
    number, word = purpose_number(purpose), key_word(successor)
    done = None
    if registry.key_of(member, number) != word:
        signer = Signer.load(rpc, folder, signed_by, development=development)
        done = Council(signer, registry).rotate(number, word)
    if registry.key_of(member, number) != word:
        raise ChainFault(
            f"the chain has not taken {successor} for the {purpose} key",
            remedy="Run the command again: the new key is kept beside the old one",
        )
    return Rotated(successor, install_successor(folder, purpose), done)
