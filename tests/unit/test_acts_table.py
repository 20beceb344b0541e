"""docs/acts.md is true: every act of a bank is on it, with the ways that there are."""

import re
from pathlib import Path

from app.prepared_acts.kinds import KINDS

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `([a-z_.]+)` \| `tally [^|]+` \| (yes|no) \| (?:`([^`]+)`|no) \|$", re.M)


def sources(package: str) -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / "app" / package).glob("*.py")))


def test_every_act_is_on_the_table_with_its_ways() -> None:
    rows = {act: (rest, page) for act, rest, page in ROW.findall(
        (ROOT / "docs/acts.md").read_text()
    )}  # fmt: skip
    assert rows.keys() == set(re.findall(r'^@act\("([a-z_.]+)"\)', sources("actions"), re.M))
    assert {act for act, (rest, _) in rows.items() if rest == "yes"} == KINDS.keys()
    pages = {page for _, page in rows.values() if page}
    routes = set(re.findall(r'@router\.post\("([^"]+)"\)', sources("web")))
    subjects = {
        f"/{one}"
        for one in re.findall(r'Subject\(\s+N_\(.*\),\s+".*",\s+"([^"]+)"', sources("web"))
    }
    assert pages <= routes | subjects
    offered = re.findall(
        r'f?"((?:breaks|days|holds|facilities|consortium)\.[a-z_]+)', sources("web")
    )
    assert {act for act, (_, page) in rows.items() if page} <= set(offered)
