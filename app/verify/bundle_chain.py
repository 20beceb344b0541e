"""Whether the blocks of a proof bundle are the chain's, one after another.

Where validators seal, blocks may be left out: each that is there has its own seals. Where nobody
seals, every block must be there, each with the hash of the one before it as its parent.
"""

from dataclasses import dataclass

from app.verify.chain import first_trusted
from app.verify.errors import Unverified
from app.verify.headers import Header, header_hash
from app.verify.seals import IBFT, Scheme, check_seals
from app.verify.validators import ValidatorSet, after, sealing


@dataclass(slots=True)
class BundleChain:
    """The blocks taken so far. `scheme` None: nobody seals. `every`: no block may be left out."""

    scheme: Scheme | None
    genesis: bytes
    every: bool
    number: int | None = None
    """Of the last block taken; None before the first."""
    hash: bytes = b""
    set: ValidatorSet = ValidatorSet(frozenset())  # noqa: RUF009
    changes: int = 0
    """How often the set of validators has changed."""

    def take(self, header: Header) -> bytes:
        """The hash of the next block. Raises Unverified unless it is the chain's."""
        if self.scheme is IBFT and header.later:  # no hash of IBFT covers them
            raise Unverified(f"block {header.number} is not of IBFT: it has more than 15 fields")
        if self.scheme is None:
            hash_ = header_hash(header)
            self._follow(header)
        elif self.number is None:
            trusted = first_trusted(self.scheme, header, self.genesis)
            hash_, self.set = trusted.hash, trusted.set
        else:
            hash_ = self._sealed(self.scheme, header)
        self.number, self.hash = header.number, hash_
        return hash_

    def _follow(self, header: Header) -> None:
        number, parent = (0, self.genesis) if self.number is None else (self.number, self.hash)
        if header.number <= number:
            raise Unverified(f"block {header.number} stands after block {number}")
        if header.number > number + 1:
            if self.every:
                raise Unverified(f"block {number + 1} is missing before block {header.number}")
        elif header.parent != parent:
            raise Unverified(
                f"block {header.number} does not follow block {number} (0x{parent.hex()})"
            )

    def _sealed(self, scheme: Scheme, header: Header) -> bytes:
        assert self.number is not None
        self._follow(header)
        sealed = scheme.read(header)
        before = self.set
        validators = sealing(scheme, before, sealed)
        check_seals(scheme, sealed, validators.validators)
        if header.number // scheme.epoch_blocks > self.number // scheme.epoch_blocks:
            validators = ValidatorSet(validators.validators)
        self.set = after(scheme, validators, sealed)
        self.changes += self.set.validators != before.validators
        return sealed.hash
