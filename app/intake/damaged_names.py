"""Names (event_id, event_ref) that look as if a spreadsheet or an export had damaged them.

They are taken as they are, because a system may call its events so; whoever sent the file is
warned. Those that are certainly damaged are quarantined by `validation`.
"""

import re

_KINDS = (
    (
        r"[-+’']?[0-9０-９]+(?:[.,．][0-9０-９]+)?[eE][-+]?[0-9]+ ?",
        "a number that a spreadsheet has shortened",
    ),
    (r"[0-9]{15}0{2,}", "a number whose last digits a spreadsheet has set to 0"),
    (r"[0-9]+\.0+", "a number that was a text before"),
    (
        r"#(?:N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!)|#{3,}",
        "the error of a spreadsheet",
    ),
    (
        r"[0-9]{1,2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?:-[0-9]{2,4})?"
        r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-[0-9]{2,4}",
        "a date that a spreadsheet has made of it",
    ),
    (r"(?i:true|false)", "a truth value"),
    (r"(?i:null|\(null\)|none|nan|nil|n/a|na|undefined|\\n)|[-?.]+", "a value that is absent"),
    (r".*\ufffd.*|.*\?{3,}.*", "a text that has lost characters in another encoding"),
    (r"=.*|'.*", "a text with the mark of a spreadsheet before it"),
    (r" .*|.* ", "a text with a blank at its beginning or end"),
)
_ANY = re.compile("|".join(f"(?P<k{at}>{pattern})" for at, (pattern, _) in enumerate(_KINDS)))
is_plain = re.compile(
    r"(?!(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-)[A-Za-z]+[-_/:.]?[0-9][!->@-~]*"
).fullmatch
"""Whether a name is as most are, `BH-2026-17`: nothing above is. One look at each of millions."""


def damage(name: str) -> str:
    """What a name looks like; empty for all others."""
    found = _ANY.fullmatch(name)
    return "" if found is None or found.lastgroup is None else _KINDS[int(found.lastgroup[1:])][1]
