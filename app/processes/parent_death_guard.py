"""Becomes the program named on the command line, which then ends with the process that asked.

Run as `python -I -S parent_death_guard.py PARENT_PID PROGRAM ARGUMENTS...`. On Linux the kernel
then sends SIGTERM to the program when its parent is gone, however it went; elsewhere nothing does.
A program of its own, because Python code between fork and exec is not safe beside threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before that was set
        sys.exit("the launcher is gone")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
