"""A bank's own keys replaced by fresh ones: the new key's file first, the chain next, then the old
key's file is retired. Cut off anywhere, it goes on with the same new key."""

from dataclasses import dataclass
from pathlib import Path

from app.actions.act import act
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.proposals import NO_PROOF, key_word
from app.domain.errors import ChainFault, UsageFault
from app.domain.votes import PURPOSE_NUMBERS
from app.keys.keystore import SEALING, install_successor, load_successor, prepare_successor
from app.keys.possession import Registry, prove_replacement

ROTATED_BY = {"operator": "approver", "sealing": "approver", "approver": "recovery"}
"""Which of a bank's own keys replaces which; the recovery key replaces the others too."""


@dataclass(frozen=True, slots=True)
class RotateKey:
    """Replace a bank's operator, sealing or approver key. `folder` holds its keys; the recovery key
    as the signer replaces one that is lost."""

    purpose: str
    folder: Path
    development: bool

    @property
    def subject(self) -> str:
        return f"{self.purpose} key"


@dataclass(frozen=True, slots=True)
class Rotated(Done):
    """The new key, and where the old one's file lies now. No transaction: it was on the chain by
    an earlier call that was cut off."""

    key: str
    old_key_file: Path


@act("keys.rotate")
def rotate(
    asked: RotateKey, view: View | None, contract: ConsortiumRegistry, signer: Signer
) -> Rotated:
    """Raises KeyUnusable, and ChainFault when the chain has neither the old key nor the new one."""
    if signer.purpose == asked.purpose:
        raise UsageFault("an approver key is replaced by the recovery key: --signed-by recovery")
    member = contract.member_named(signer.bank)
    if member == 0:
        raise UsageFault(f"{signer.bank} is no member of this consortium")
    successor = prepare_successor(asked.folder, asked.purpose, development=asked.development)
    number, word = PURPOSE_NUMBERS[asked.purpose], key_word(successor)
    done = Done((), ())
    if contract.key_of(member, number) != word:
        done = signer.send(contract.rotate_key(number, word, _proof(asked, contract, member)))
    if contract.key_of(member, number) != word:
        raise ChainFault(
            f"the chain has not taken {successor} for the {asked.purpose} key",
            remedy="Run the command again: the new key is kept beside the old one",
        )
    old = install_successor(asked.folder, asked.purpose)
    return Rotated(done.receipts, done.events, successor, old)


def _proof(asked: RotateKey, contract: ConsortiumRegistry, member: int) -> bytes:
    """That the bank holds the successor. Raises KeyUnusable."""
    if asked.purpose == SEALING:
        return NO_PROOF
    successor = load_successor(asked.folder, asked.purpose, development=asked.development)
    registry = Registry(contract.chain_id(), contract.address)
    return prove_replacement(registry, member, PURPOSE_NUMBERS[asked.purpose], successor)
