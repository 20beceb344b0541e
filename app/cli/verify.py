"""`tally verify`: a proof bundle, checked alone and offline."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from eth_utils.address import is_address
from rich.text import Text

from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import JsonOption
from app.contracts.events import printable
from app.domain.errors import UsageFault
from app.domain.money import format_amount
from app.proof.check import check
from app.proof.derive import LINE_NAMES
from app.proof.file import MOST_MIB, NoBundle, read
from app.proof.statement import Proved
from app.verify.errors import Unverified

_NOT_VERIFIED, _NO_BUNDLE = 1, 2
_LINE_KEYS = [name.replace(" ", "_") for name in LINE_NAMES]


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The proof bundle.")],
    trust: Annotated[
        Path | None,
        typer.Option(
            metavar="VALIDATORS.json",
            help="A JSON list of the addresses that are trusted as the first validators; else the "
            "bundle's genesis is taken as it is.",
        ),
    ] = None,
    most_mib: Annotated[
        int,
        typer.Option(
            min=1, max=2**20, help="The largest content in MiB that is unpacked, in memory."
        ),
    ] = MOST_MIB,
    json: JsonOption = False,
) -> None:
    """Check a proof bundle alone: no network, no database, no key.

    Ends with 0 when everything in it verifies, with 1 when something does not, and with 2 when the
    file is no proof bundle.

    Example:

      tally verify march.proof --trust validators.json
    """
    try:
        trusted = None if trust is None else _validators(trust)
        proved = check(_content(file, most_mib), trusted, most_mib)
    except UsageFault as fault:
        if json:
            _write({"result": "not_checked", "why": f"{fault.where}: {fault.what}"})
        raise
    except NoBundle as fault:
        _say(json, "no_bundle", str(fault), f"{file} is no proof bundle: {fault}")
        raise typer.Exit(_NO_BUNDLE) from None
    except Unverified as fault:
        _say(json, "not_verified", str(fault), f"{file} does NOT verify: {fault}")
        raise typer.Exit(_NOT_VERIFIED) from None
    if json:
        _write(_object(proved, trusted is not None))
        return
    verdict = _verdict(str(file), proved, trusted is not None)
    stdout.print(Text(verdict, style="bold"), soft_wrap=True)
    for title, sentences in (
        ("Proved" if proved.validators else "Stated by blocks that nobody sealed", _proved(proved)),
        ("Assumed", _assumed(proved, trusted is not None)),
        ("Not proved", _not_proved(proved)),
    ):
        stdout.print(f"{title}:")
        for sentence in sentences:
            stdout.print(f"- {sentence}", soft_wrap=True)


def _verdict(file: str, proved: Proved, is_trusted: bool) -> str:
    """One sentence, which alone must not promise more than what follows it."""
    shown = printable(file.encode("utf-8", "replace"))
    if not proved.validators:
        return (
            f"{shown} agrees with itself, and proves nothing more: no validator has sealed its "
            "blocks, so anybody can make such a file, of any banks and amounts."
        )
    if not is_trusted:
        return f"{shown} verifies, if its chain is yours: compare what is assumed."
    return f"{shown} verifies."


def _content(path: Path, most_mib: int) -> bytes:
    try:
        return read(path, most_mib)
    except OSError as fault:
        raise UsageFault(f"the file cannot be read ({fault.strerror})", where=str(path)) from None


def _validators(path: Path) -> frozenset[bytes]:
    try:
        listed = orjson.loads(path.read_bytes())
    except OSError as fault:
        raise UsageFault(f"the file cannot be read ({fault.strerror})", where=str(path)) from None
    except ValueError as fault:
        raise UsageFault(f"no JSON: {fault}", where=str(path)) from None
    if not (
        isinstance(listed, list)
        and listed
        and all(isinstance(one, str) and is_address(one) for one in listed)
    ):
        raise UsageFault(
            "no list of validators",
            where=str(path),
            remedy='Write their addresses: ["0x...", "0x..."]',
        )
    return frozenset(bytes.fromhex(one.lower().removeprefix("0x")) for one in listed)


def _say(json: bool, result: str, why: str, text: str) -> None:
    if json:
        _write({"result": result, "why": why})
    else:
        # It may repeat what stands in the file, which is not to reach the terminal as it is.
        stderr.print(printable(text.encode("utf-8", "replace")), soft_wrap=True)


def _write(result: Mapping[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(result) + b"\n")


def _proved(proved: Proved) -> Iterator[str]:
    facts = proved.facts
    facility, last = facts["facility"], facts["last"]
    decimals, currency = facility["decimals"], facility["currency"]
    names = {one["partner"]: _name(one) for one in facts["banks"]}
    yield (
        f"{len(facts['lines']):,} lines of {facility['id']} from {facts['from']} to {facts['to']}, "
        f"worked out from {proved.postings:,} postings, as of block {last['number']:,} "
        f"({last['hash']}) of {_moment(last['time'])}."
    )
    for account in facts["accounts"]:
        books = "; ".join(
            f"{book} {format_amount(int(opening), decimals)} to "
            f"{format_amount(int(closing), decimals)}"
            for book, opening, closing in zip(
                ("lead", "partner", "agreed"), account["opening"], account["closing"], strict=True
            )
        )
        counts = ", ".join(f"{count:,} {name}" for name, count in account["pairs"].items() if count)
        yield f"{names[account['partner']]}: {books} {currency}. Pairs: {counts or 'none'}."
        if stated := proved.stated.get(account["partner"]):
            yield (
                f"{names[account['partner']]}: the statement of {stated}, which the contract took "
                "with its ledger's own totals, follows from the same blocks: no posting and no "
                "accepted resolution is missing up to it."
            )
    if proved.validators:
        changed = f"which has changed {proved.changes:,} times" if proved.changes else "unchanged"
        yield (
            f"{proved.headers - 1:,} blocks were each sealed by a quorum of the chain's "
            f"validators: the {len(proved.validators)} of the first block, their set {changed}."
        )
    else:
        yield f"{proved.headers:,} blocks follow one another by hash from the chain's first."
    yield (
        f"{proved.whole:,} blocks hold their transactions and receipts whole; "
        f"{proved.signatures:,} acts were each signed by their member's key of that time."
    )
    for bank in facts["banks"]:
        yield f"{_name(bank)}: {_postings(bank)}"
    if facts["acts"]:
        yield (
            f"Acts 1 to {facts['acts']:,} of the facility (accepted resolutions, closed and "
            "reopened days, changes of terms) without a gap: none is missing up to the last."
        )


def _postings(bank: Mapping[str, Any]) -> str:
    before, last = bank["before"], bank["last"]
    if not last["sequence"]:
        return "no posting."
    told = f"postings 1 to {last['sequence']:,} without a gap, digest {_digest(last)}; "
    if before == last:
        return told + "none of them is in the period."
    if not before["sequence"]:
        return told + "the period begins with the first."
    return told + f"the period begins after posting {before['sequence']:,}, {_digest(before)}."


def _name(bank: Mapping[str, Any]) -> str:
    """With the member's number: two names may look alike."""
    return f"{bank['name']} (member {bank['member']})"


def _moment(time: int) -> str:
    """A block's time, which may be any number where nobody sealed it."""
    try:
        return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, OSError, ValueError):
        return f"no time that there is ({time} s)"


def _digest(head: Mapping[str, Any]) -> str:
    """A running digest: 24 bytes, and zeros behind them."""
    return str(head["digest"])[:50]


def _assumed(proved: Proved, is_trusted: bool) -> Iterator[str]:
    facts = proved.facts
    if is_trusted:
        yield f"The {len(proved.validators)} validators that you trust began this chain."
    elif proved.validators:
        yield (
            f"The chain is the one whose first block has the hash {facts['genesis']}; it lists the "
            f"validators {', '.join('0x' + one.hex() for one in proved.validators)}. Compare it "
            "with the network's manifest."
        )
    else:
        yield (
            f"Whoever gave you the file tells the truth. That it names the first block "
            f"{facts['genesis']} or the contracts of a network shows nothing: it may name any."
        )
    others = dict(facts["contracts"])
    registry = others.pop("ConsortiumRegistry")
    contracts = ", ".join(f"{name} {address}" for name, address in others.items())
    compare = "; compare it with the network's manifest" if proved.validators else ""
    yield (
        f"The consortium is that of ConsortiumRegistry {registry}{compare}. Its founding names its "
        f"other contracts: {contracts}."
    )
    if proved.validators:
        yield "Fewer than a third of the validators lie, those of the past included."


def _not_proved(proved: Proved) -> Iterator[str]:
    if not proved.validators:
        yield (
            "That these blocks are a chain's at all. Where validators seal a network's blocks (as "
            "on Polygon Edge and Besu), this file is not of that network, whatever it names."
        )
    yield from _not_over(proved.facts)
    if proved.facts["blocks"] == "chosen":
        after = f" after act {proved.facts['acts']:,}" if proved.facts["acts"] else ""
        yield (
            "That no later posting was left out, nor a resolution, closed day or change of terms"
            f"{after}: seals vouch for what is there. The last block's header is sealed, but what "
            "the contracts hold in its state is not in the bundle."
        )
    if proved.rejected:
        yield (
            f"That the contract was right to reject {proved.rejected:,} legs or parts of legs for "
            "other reasons than being duplicates. They stand in no book and no line."
        )
    yield (
        "What the contracts' code does: that terms took effect only once every party had accepted "
        "them, say."
    )
    yield (
        "Names and details: they are sealed, and every line tells its reference alone. Whoever "
        "holds the facility's reference key can hold a name against it."
    )


def _not_over(facts: Mapping[str, Any]) -> Iterator[str]:
    moment = _moment(facts["last"]["time"])
    if moment[:10] <= facts["to"]:
        yield (
            f"What happened in the rest of the period: it reaches to {facts['to']}, and the last "
            f"block in the file is of {moment}."
        )
    else:
        yield (
            f"What came after {moment}, when the last block in the file was made: legs of these "
            "dates may still come until both banks have closed them."
        )


def _object(proved: Proved, is_trusted: bool) -> dict[str, Any]:
    facts = proved.facts
    return {
        **facts,
        "result": "verified",
        "vouched_by": _vouched_by(proved, is_trusted),
        "proved": list(_proved(proved)),
        "assumed": list(_assumed(proved, is_trusted)),
        "not_proved": list(_not_proved(proved)),
        "validators": ["0x" + one.hex() for one in proved.validators],
        "lines": [
            {
                **dict(zip(_LINE_KEYS, line, strict=True)),
                "reference": reference,
                "event_ref": "sealed",
            }
            for line, reference in zip(facts["lines"], proved.references, strict=True)
        ],
    }


def _vouched_by(proved: Proved, is_trusted: bool) -> str:
    """Who stands for the blocks, for programs that read no sentences."""
    if not proved.validators:
        return "nobody"
    return "trusted_validators" if is_trusted else "own_validators"
