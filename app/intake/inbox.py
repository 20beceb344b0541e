"""A bank's inbox, as its node and `tally doctor` find it."""

import os
from pathlib import Path


def why_unusable(inbox: Path) -> str:
    """Why no file can be taken in from it and moved aside; empty where files can."""
    if os.access(inbox, os.R_OK | os.W_OK | os.X_OK) and inbox.is_dir():
        return ""
    return f"no file is taken in: {inbox} is no folder that this user may read and write"
