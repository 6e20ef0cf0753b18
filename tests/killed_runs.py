"""Runs that end by SIGKILL at a named step: no clock decides what is on the disk."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

AT_A_CALL = """
import importlib, os, re, signal, sys
import outage_analysis.cli as cli

owner, name, words, when = sys.argv[1:5]
del sys.argv[1:5]
module, _, kind = owner.partition(":")
holder = importlib.import_module(module)
holder = getattr(holder, kind) if kind else holder
original = getattr(holder, name)

def watched(*arguments, **named):
    here = re.search(words, " ".join(map(str, (*arguments, *named.values()))))
    if here and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*arguments, **named)
    if here and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(holder, name, watched)
cli.main()
"""
"""Runs a command and kills it before, or after, the first call of a function whose arguments match."""

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


def killed_at(step: tuple[str, str, str, str], *arguments: object, folder: Path) -> None:
    """Run a command that is killed at a step: owner, function, pattern of its arguments, before or after."""
    words = [sys.executable, "-c", AT_A_CALL, *step, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == -signal.SIGKILL, done.stderr


def killed_before(number: int, code: str, place: Path) -> str | None:
    """Run code that is killed before its step of a number; the step, or None if the code has fewer steps."""
    words = [sys.executable, "-c", AT_A_STEP + code, str(place), str(number)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.stdout if done.returncode else None
