"""Whether a feed is UTF-8 throughout, and what it looks like where it is not."""

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

from app.intake.lines import ByteStream

_BLOCK_BYTES = 1 << 18
_HZ = re.compile(rb"~\{(?:[\x21-\x77][\x21-\x7e])+~\}")
_SAMPLE_BYTES = 1 << 15
"""As much of the lines that are not ASCII is enough to tell an encoding."""

_NAMES = {
    "gb18030": "GB18030 (GBK)",
    "big5": "Big5",
    "shift_jis": "Shift_JIS",
    "euc_kr": "EUC-KR",
    "cp1252": "Latin-1 (Windows-1252)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "euc_jp": "EUC-JP",
    "koi8_r": "KOI8-R (Cyrillic)",
    "cp866": "code page 866 (Cyrillic)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
}
"""The encodings that are told apart, the likelier ones first."""

_TELLING = 4
"""So many different first bytes say something of an encoding."""
_LAST_HANGUL = 0xC8
"""The last first byte of a Hangul syllable in EUC-KR."""
_BETWEEN_WORDS = bytes(range(0x41))
_SPACED = bytes.maketrans(_BETWEEN_WORDS, b" " * len(_BETWEEN_WORDS))


@dataclass(frozen=True, slots=True)
class Encoding:
    """`looks_like` is empty where nothing can be said, and for good UTF-8: some encodings are UTF-8
    by their bytes, and are none of it."""

    is_utf8: bool
    looks_like: str = ""


def examine(stream: ByteStream) -> Encoding:
    """Read a stream to its end. Only then is it known whether its first rows are UTF-8: the bytes
    of another encoding may happen to be valid."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample = _Sample()
    is_utf8 = True
    while block := stream.read(_BLOCK_BYTES):
        sample.add(block)
        if is_utf8:
            is_utf8 = _decodes(decoder, block)
        elif sample.is_full:
            break
    if is_utf8 and _decodes(decoder, b"", final=True):
        return Encoding(True, _disguised(sample.octets(), sample.escapes))
    return Encoding(False, _looks_like(sample.octets()))


class _Sample:
    """The first lines of a stream that are not ASCII, the same in whatever pieces it comes."""

    def __init__(self) -> None:
        self._lines = bytearray()
        self._rest = b""
        self.escapes = ""
        """The encoding of seven bits whose marks were seen."""

    @property
    def is_full(self) -> bool:
        return len(self._lines) >= _SAMPLE_BYTES

    def add(self, block: bytes) -> None:
        if not self.escapes and b"\x1b$" in block:
            self.escapes = "ISO-2022 (Japanese, Korean or Chinese)"
        elif not self.escapes and _HZ.search(block):
            self.escapes = "HZ (Chinese)"
        if self.is_full:
            return
        whole, newline, rest = block.rpartition(b"\n")
        if newline:
            self._keep(self._rest + whole)
            self._rest = rest
        else:
            self._rest = (self._rest + block)[:_SAMPLE_BYTES]

    def octets(self) -> bytes:
        self._keep(self._rest)
        return bytes(self._lines[:_SAMPLE_BYTES])

    def _keep(self, lines: bytes) -> None:
        if not lines.isascii():
            for line in lines.split(b"\n"):
                if not line.isascii():
                    self._lines += line + b"\n"


def _disguised(sample: bytes, escapes: str) -> str:
    """What a stream of valid UTF-8 looks like that was not meant as such; empty for all others."""
    if escapes:
        return escapes
    text = sample.decode("utf-8", "ignore")
    words = [word for word in text.replace(",", " ").split() if not word.isascii()]
    twice = sum(_is_twice_encoded(word) for word in words)
    return "UTF-8 that was read as Latin-1 and saved again" if twice * 2 > len(words) else ""


def _is_twice_encoded(word: str) -> bool:
    for encoding in ("latin-1", "cp1252"):
        try:
            return not word.encode(encoding).decode().isascii()
        except UnicodeError:
            continue
    return False


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _looks_like(sample: bytes) -> str:
    escaped = sample.decode("utf-8", "surrogateescape")
    undecodable = sum("\udc80" <= character <= "\udcff" for character in escaped)
    good = sum(not character.isascii() for character in escaped) - undecodable
    if good > 4 * undecodable:
        return "UTF-8 that was damaged or mixed with another encoding"
    if _is_chinese(sample):
        return _east_asian(sample)
    # The words that are not ASCII: what the rest of a row says is no language. Not by a search: it
    # would begin anew at each letter of a long word.
    words = b" ".join(word for word in sample.translate(_SPACED).split() if not word.isascii())
    if _is_western(words):
        return _NAMES["cp1252"]
    best = from_bytes(words, cp_isolation=list(_NAMES)).best()
    return "" if best is None else _NAMES.get(best.encoding, "")


def _is_western(words: bytes) -> bool:
    """Whether all that is not ASCII are the usual letters of French, German or Spanish."""
    letters = {
        character for character in words.decode("cp1252", "replace") if not character.isascii()
    }
    marks = set("«»°§–—‘’“”€…•£\xa0")
    return bool(letters) and letters <= marks | set("àâäáçéèêëíîïñóôöúûüßÄÀÇÉÈÊÑÖÜ")


def _is_chinese(sample: bytes) -> bool:
    """Whether nearly all that is not ASCII are Chinese characters when it is read as GB18030; the
    few words of a bank's memos are too little for statistics."""
    try:
        text = sample.decode("gb18030")
    except UnicodeDecodeError as error:
        if error.end < len(sample) - 4:  # what is not the sample's own end
            return False
        text = sample[: error.start].decode("gb18030")
    foreign = [character for character in text if not character.isascii()]
    # GB2312's characters begin with 0xB0 to 0xF7 and end with 0xA1 to 0xFE.
    common = sum(_is_gb2312(character) for character in foreign)
    return common * 10 >= len(foreign) * 9 > 0


def _east_asian(sample: bytes) -> str:
    """EUC-JP and EUC-KR have their signs where GB2312 has its own."""
    text = sample.decode("gb18030", "ignore")
    if any("\u3041" <= character <= "\u30fa" for character in text):
        return _NAMES["euc_jp"]
    leads = {character.encode("gb18030")[0] for character in text if not character.isascii()}
    if len(leads) >= _TELLING and max(leads) <= _LAST_HANGUL:
        return f"{_NAMES['euc_kr']} or {_NAMES['gb18030']}"
    return _NAMES["gb18030"]


def _is_gb2312(character: str) -> bool:
    try:
        octets = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return 0xB0 <= octets[0] <= 0xF7 or 0xA1 <= octets[0] <= 0xA3
