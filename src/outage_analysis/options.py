"""The options that commands share, and what their text stands for."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outage_analysis.errors import UsageError

if TYPE_CHECKING:  # heavy: `--help` does without it
    from outage_analysis.pipeline import Plan

Incident = Annotated[str, typer.Option(help="Bundled id, or path to an incident's TOML.")]
Policy = Annotated[
    str | None,
    typer.Option(help="Bundled id, or path to a policy's TOML. By default the incident's."),
]
Ledger = Annotated[
    str | None,
    typer.Option(
        help="Bundled id, or path to a ledger's TOML. By default the incident's, when the policy is too."
    ),
]
ClaimFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--claims",
        help="Complaint file, folder, pattern in quotes, or warehouse file; repeat for more. By default the "
        "bundled synthetic file.",
    ),
]
ColumnPages = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        help="TOML page that says how some files are laid out; repeat for more. `inspect` proposes one.",
    ),
]
Counts = Annotated[
    Path | None,
    typer.Option(help="Totals instead of claims: CSV service,claimant_type,band,claims."),
]
AsOf = Annotated[
    str | None,
    typer.Option(help="Use only what was public by this day (YYYY-MM-DD). By default the ledger's day."),
]
MaxRejects = Annotated[str, typer.Option(help="Largest share of rejected rows to go on with: 5% or 0.05.")]
Level = Annotated[str, typer.Option(help="Probability of the intervals: 80% or 0.8.")]
Recovery = Annotated[
    bool, typer.Option("--recovery", help="Take synthetic claims, to see what they were made from again.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
Files = Annotated[
    list[Path], typer.Argument(help="Complaint files, folders, patterns in quotes, or one warehouse file.")
]


def plan_of(
    incident: str,
    policy: str | None,
    ledger: str | None,
    claims: list[Path] | None,
    columns: list[str] | None,
    counts: Path | None,
    as_of: str | None,
    max_rejects: str,
    *,
    hindsight: bool = True,
) -> Plan:
    """The plan that a command's options describe."""
    from outage_analysis.pipeline import Plan

    return Plan(
        incident=incident,
        policy=policy,
        ledger=ledger,
        claims=tuple(claims) if claims else None,
        columns=tuple(columns or ()),
        counts=counts,
        as_of=day(as_of),
        max_rejects=share(max_rejects),
        hindsight=hindsight,
    )


def day(text: str | None, option: str = "--as-of") -> date | None:
    """A day written as 2022-12-30."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} is not a day", value=text, remedy="Write it as 2022-12-30.") from None


def share(text: str, option: str = "--max-rejects") -> float:
    """A share written as 5% or 0.05."""
    percent = text.endswith("%")
    try:
        value = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"{option} is not a share", value=text, remedy="Write it as 5% or 0.05.")
    return value
