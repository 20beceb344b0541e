"""Keeps the validators' logs from growing without end: one that is too long is copied aside, over
the copy before it, and emptied.

Run as `python -I -S log_keeper.py FOLDER` beside the validators, over all FOLDER/*/node.log. The
engine appends, so it goes on at the beginning of the emptied file and never waits for this process;
what it writes between the copy and the emptying is lost. Ends when the folder is gone.
"""

import os
import shutil
import sys
import time
from pathlib import Path

MOST_BYTES = 16 * 1024 * 1024
_EVERY_S = 10


def main() -> None:
    os.umask(0o077)
    folder = Path(sys.argv[1])
    while folder.is_dir():
        for log in folder.glob("*/node.log"):
            shorten(log, MOST_BYTES)
        time.sleep(_EVERY_S)


def shorten(log: Path, most_bytes: int) -> None:
    """Move a log's text to LOG.1 where it is longer than that."""
    try:
        if log.stat().st_size <= most_bytes:
            return
        copy = log.with_name(log.name + ".1")
        fresh = copy.with_name(copy.name + ".new")
        shutil.copyfile(log, fresh)
        fresh.replace(copy)
        os.truncate(log, 0)
    except OSError as fault:  # a full disk, a log that was just deleted: the others go on
        print(f"{log}: {fault}", file=sys.stderr)


if __name__ == "__main__":
    main()
