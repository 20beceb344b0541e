"""Headers that validators sealed: IBFT as Polygon Edge has it, and QBFT as Besu has it.

A seal is a validator's signature, in the header's extraData. A block's hash covers its parent's, so
that a block's seals vouch for every block before it.

| | IBFT (Polygon Edge) | QBFT (Besu) |
|---|---|---|
| extraData | 32 bytes, then RLP: validators, proposer's seal, seals, seals of the parent, round | RLP: 32 bytes, validators, vote, round, seals |
| hash of a block | 13 fields, up to extraData without proposer's seal, seals and round | the standard one, extraData with round 0 and without seals (block 0: as it is) |
| what seals sign | keccak(keccak(keccak(hash, round in 8 bytes), 2)) | the hash, extraData without seals |
| a vote | `miner` is its subject, its voter is who made the proposer's seal, over keccak(hash) | in extraData; `miner` is its voter |
"""  # noqa: E501

from collections.abc import Callable
from dataclasses import dataclass

from eth_utils.crypto import keccak

from app.verify.errors import Unverified
from app.verify.headers import Header, common_fields, header_hash
from app.verify.rlp_bytes import decode, encode
from app.verify.signatures import signer

QBFT_EPOCH_BLOCKS = 30_000
_IBFT_EPOCH_BLOCKS = 100_000

_VANITY_BYTES = 32
_NOBODY = bytes(20)
_IBFT_MIX = bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")
_IBFT_NONCES = (bytes(8), b"\xff" * 8)
_IBFT_COMMIT = b"\x02"
_QBFT_ADDS = {b"\xff": True, b"": False}


@dataclass(frozen=True, slots=True)
class Vote:
    """To add `subject` to the validators or to drop it. `adds` is None where the header does not
    say it in what its hash covers."""

    subject: bytes
    adds: bool | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A header of an engine that seals; addresses are 20 bytes, seals as they stand there."""

    header: Header
    hash: bytes
    """The block's."""
    listed: tuple[bytes, ...]
    """The validators that its extraData lists."""
    vote: Vote | None
    seals: tuple[bytes, ...]
    round: bytes
    proposer_seal: bytes
    """Empty where the engine has none."""

    @property
    def number(self) -> int:
        return self.header.number


@dataclass(frozen=True, slots=True)
class Scheme:
    """How an engine seals. `epoch_blocks`: open votes are dropped at every such block.
    `proves_list`: validators seal no header that lists others than those who may seal it.
    `has_bloom`: a header's bloom is that of its logs. Polygon Edge leaves it empty under IBFT."""

    read: Callable[[Header], Sealed]
    signed: Callable[[Sealed], bytes]
    """What each seal signs."""
    proposer: Callable[[Sealed], bytes]
    quorum: Callable[[int], int]
    """How many of so many validators must have sealed a block."""
    epoch_blocks: int
    proves_list: bool
    has_bloom: bool


def check_seals(scheme: Scheme, sealed: Sealed, validators: frozenset[bytes]) -> None:
    """Raise Unverified unless at least a quorum of these validators sealed a block, each once, and
    nobody else."""
    block = f"block {sealed.number}"
    if scheme.proposer(sealed) not in validators:
        raise Unverified(f"{block} was proposed by none of its validators")
    signed = scheme.signed(sealed)
    signers: set[bytes] = set()
    for seal in sealed.seals:
        signer = _signer(seal, signed, block)
        if signer not in validators:
            raise Unverified(f"{block} has a seal of 0x{signer.hex()}, which is no validator of it")
        if signer in signers:
            raise Unverified(f"{block} has two seals of validator 0x{signer.hex()}")
        signers.add(signer)
    needed = scheme.quorum(len(validators))
    if len(signers) < needed:
        raise Unverified(
            f"{block} has seals of {len(signers)} of its {len(validators)} validators; "
            f"{needed} are needed"
        )


def _signer(seal: bytes, signed: bytes, block: str) -> bytes:
    """The address whose key made a signature: r, s and 0 or 1."""
    try:
        return signer(seal, signed)
    except ValueError as fault:
        raise Unverified(f"{block} has a seal that is no signature") from fault


def _items(encoded: bytes, block: int) -> list[object]:
    try:
        found = decode(encoded)
    except ValueError as fault:
        raise Unverified(f"block {block}: its extraData is no list ({fault})") from None
    if not isinstance(found, list) or len(found) != 5:
        raise Unverified(f"block {block}: its extraData is no list of five")
    return found


def _octets(item: object, block: int, length: int | None = None) -> bytes:
    if not isinstance(item, bytes) or length not in (None, len(item)):
        raise Unverified(f"block {block}: a part of its extraData is not of its form")
    return item


def _each(item: object, block: int, length: int | None = None) -> tuple[bytes, ...]:
    if not isinstance(item, list):
        raise Unverified(f"block {block}: a part of its extraData is not of its form")
    return tuple(_octets(one, block, length) for one in item)


def _read_ibft(header: Header) -> Sealed:
    number = header.number
    if number and (header.mix != _IBFT_MIX or header.nonce not in _IBFT_NONCES):
        raise Unverified(f"block {number} is not of IBFT: its mixHash or nonce is another")
    vanity = _octets(header.extra[:_VANITY_BYTES], number, _VANITY_BYTES)
    items = _items(header.extra[_VANITY_BYTES:], number)
    listed = _each(items[0], number, 20)
    parents = _each(items[3], number)
    round_ = _octets(items[4], number)
    if len(round_) not in (0, 8):
        raise Unverified(f"block {number}: its round is not of 8 bytes")
    extra = vanity + encode([listed, b"", [], parents, b""])
    subject = header.miner
    return Sealed(
        header,
        bytes(keccak(encode([*common_fields(header), extra]))),
        listed,
        None if subject == _NOBODY else Vote(subject, None),
        _each(items[2], number),
        round_,
        _octets(items[1], number),
    )


def _signed_ibft(sealed: Sealed) -> bytes:
    proposal = keccak(sealed.hash + sealed.round) if sealed.round else sealed.hash
    return bytes(keccak(keccak(proposal + _IBFT_COMMIT)))


def _proposer_ibft(sealed: Sealed) -> bytes:
    return _signer(sealed.proposer_seal, keccak(sealed.hash), f"block {sealed.number}")


def _quorum_ibft(validators: int) -> int:
    return validators if validators < 4 else _two_thirds(validators)


def _two_thirds(validators: int) -> int:
    return -(-2 * validators // 3)


def _read_qbft(header: Header) -> Sealed:
    number = header.number
    items = _items(header.extra, number)
    vanity = _octets(items[0], number, _VANITY_BYTES)
    listed = _each(items[1], number, 20)
    vote = None
    if items[2] != []:
        match _each(items[2], number):
            case (subject, adds) if len(subject) == 20 and adds in _QBFT_ADDS:
                vote = Vote(subject, _QBFT_ADDS[adds])
            case _:
                raise Unverified(f"block {number}: its vote is not of its form")
    round_ = _octets(items[3], number)
    extra = encode([vanity, listed, items[2], b"", []]) if number else header.extra
    return Sealed(
        header, header_hash(header, extra), listed, vote, _each(items[4], number), round_, b""
    )


def _signed_qbft(sealed: Sealed) -> bytes:
    vanity, listed, vote, round_, _ = _items(sealed.header.extra, sealed.number)
    return header_hash(sealed.header, encode([vanity, listed, vote, round_, []]))


IBFT = Scheme(
    _read_ibft,
    _signed_ibft,
    _proposer_ibft,
    _quorum_ibft,
    _IBFT_EPOCH_BLOCKS,
    proves_list=False,
    has_bloom=False,
)
QBFT = Scheme(
    _read_qbft,
    _signed_qbft,
    lambda sealed: sealed.header.miner,
    _two_thirds,
    QBFT_EPOCH_BLOCKS,
    proves_list=True,
    has_bloom=True,
)
