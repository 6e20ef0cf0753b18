"""Runs that end by SIGKILL at a named step: no clock decides what is on the disk."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

AT_A_STEP = """
import os, signal, sys
from pathlib import Path
from outage_analysis.files import atomic_write as placing

place, last = Path(sys.argv[1]), int(sys.argv[2])
steps = 0

def count(event, arguments):
    global steps
    if event.startswith(("os.", "shutil.", "tempfile.", "fcntl.", "open")):
        steps += 1  # at once, because the two calls below are events too
        if steps == last + 1:
            os.write(1, event.encode())
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
"""
"""Kills the code that follows before its step of that number: each call that asks the system for a file."""


def killed_before(number: int, code: str, place: Path) -> str | None:
    """Run code that is killed before its step of a number; the step, or None if the code has fewer steps."""
    words = [sys.executable, "-c", AT_A_STEP + code, str(place), str(number)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.stdout if done.returncode else None
