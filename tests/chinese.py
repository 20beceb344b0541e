"""What of a text or page that people read in Chinese is still English."""

import re
from html.parser import HTMLParser

from app.locale import in_language, said

SHOWN_ATTRIBUTES = {"title", "alt", "placeholder", "aria-label", "data-label", "data-announce"}

_NAMES = re.compile(
    r"""0x[0-9a-fA-F]+ | \b[0-9a-f]{12,}\b…? | https?://\S+ | enode://\S+
      | \b(webank|huarui|wuxi|nanfeng|luoyang|changsha|audit-office|zlin)\b
      | \b[Pp]-[0-9a-fA-F]{8}\b | \b(WLD|DEMO)-[\w-]+ | \b[A-Z]{2,}-\d+\b | \bR-\d+\b | \bE\d+\b
      | \b(CNY|USD|UTC|Tallystick|keccak|[Ee]node)\b | \b(Asia/\w+)
      | \b(ConsortiumRegistry|FacilityRegistry|ReserveLedger|Reconciliation|DayClose)\b""",
    re.VERBOSE,
)
"""Names and values of the tests, which are the same in each language."""
_NO_WORDS = {"code", "kbd", "pre", "script", "style", "noscript"}
"""Elements with what programs read, or what is shown to no one."""
_VALUES = {"raw", "hash", "ref", "agent", "person-name"}
"""Classes of elements that show a value as it is."""
_VOID = {"br", "hr", "img", "input", "link", "meta", "wbr", "col"}


def english_in(text: str) -> list[str]:
    """The English words that a text holds, names and values apart."""
    return re.findall(r"[A-Za-z]{2}[\w.-]*", _NAMES.sub(" ", text), re.ASCII)


def english_when_said(*texts: str) -> dict[str, list[str]]:
    """By text the English words that are left of it in Chinese; only texts with any."""
    with in_language("zh-Hans"):
        found = {text: english_in(said(text)) for text in texts}
    return {text: words for text, words in found.items() if words}


class ShownTexts(HTMLParser):
    """What of a page people see or are read out: `texts`, and `words`, values left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.words: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = [value for name, value in attrs if name in SHOWN_ATTRIBUTES and value]
        self.texts += shown
        given = dict(attrs)
        is_value = (
            (bool(self._open) and self._open[-1][1])
            or tag in _NO_WORDS
            or not _VALUES.isdisjoint((given.get("class") or "").split())
            or (tag != "html" and "lang" in given)
        )
        if not is_value:
            self.words += shown
        if tag not in _VOID:
            self._open.append((tag, is_value))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:
            self.texts.append(data)
            if not (self._open and self._open[-1][1]):
                self.words.append(data.strip())
