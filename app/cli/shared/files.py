"""Files that commands write: whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from xlsxwriter.exceptions import XlsxWriterException

from app.domain.errors import UsageFault


def written(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside `path` and put it in place when it is whole: never half a report."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as fault:
        raise UsageFault(
            f"the report cannot be written ({fault.strerror})",
            where=str(path),
            remedy="Give --out a file in a folder that may be written",
        ) from None
    os.close(handle)
    beside = Path(name)
    try:
        write(beside)
        beside.replace(path)
    except (OSError, XlsxWriterException) as fault:
        raise UsageFault(f"the report cannot be written ({fault})", where=str(path)) from None
    finally:
        beside.unlink(missing_ok=True)
