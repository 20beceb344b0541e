"""Who runs a command, as the system knows this user."""

import os
import pwd


def user() -> str:
    """By the process's user id: what the environment says, anybody can set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user that has no name
        return f"uid {os.getuid()}"
