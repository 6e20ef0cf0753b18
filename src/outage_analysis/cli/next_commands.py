"""Suggest the command that a user is likely to need next."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from outage_analysis.cli.options import ReadOptions, option_words

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    from outage_analysis.claims import Claims


def suggest_command(*words: str, lang: str = "en") -> None:
    """Print on stderr which command a user is likely to need next.

    Args:
        words: the words of the command after `outage-analysis`, quoted for a shell.
        lang: the language of the output.
    """
    from outage_analysis.text import Locale

    command = f"outage-analysis {' '.join(words)}"
    sys.stderr.write(Locale(lang)("terminal.next", command=command) + "\n")


def language_option(lang: str) -> list[str]:
    """Return the option --lang as words of a shell command; empty for English."""
    return [] if lang == "en" else ["--lang", lang]


def cost_command(claims: Claims, options: ReadOptions, files: list[Path], *, stored: bool) -> list[str]:
    """Return the words of the command that computes a cost from claims which `ingest` has read.

    If the incident is no bundled one, the policy and the ledger beside its file are named. If there is no
    policy, the command that writes a template for one is returned.

    Args:
        claims: the claims.
        options: the options with which the files were read.
        files: the files to name in the command.
        stored: whether the files are claims that `ingest` saved, which need no layout.
    """
    from outage_analysis.files import bundled_ids
    from outage_analysis.jupyter import shell_path

    about, folder = claims.incident, Path(options.incident).parent
    words = ["cost"]
    words += [word for file in files for word in ("--claims", shell_path(file))]
    words += option_words(options, *(("columns", "encoding", "max_rejects") if stored else ()))
    if about.id in bundled_ids("policies"):
        return words
    if not (folder / "policy.toml").is_file():
        units = [] if about.loss_currency else ["--loss-unit", shlex.quote(about.loss.unit)]
        return ["policies", "new", "my-policy", "--currency", about.currency, *units]
    for kind in ("policy", "ledger"):
        if (folder / f"{kind}.toml").is_file():
            words += [f"--{kind}", shell_path(folder / f"{kind}.toml")]
    return words


def inspect_command(options: ReadOptions, file: Path) -> list[str]:
    """Return the words of the `inspect` command for a file whose rows were all rejected."""
    from outage_analysis.jupyter import shell_path

    return ["inspect", shell_path(file), *option_words(options, "max_rejects")]
