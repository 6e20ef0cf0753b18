"""The options that commands share, and what their text stands for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from outage_analysis.errors import InputRefused, UsageError

if TYPE_CHECKING:  # heavy: `--help` does without it
    from outage_analysis.analysis import Plan

BUNDLED = "kakao-2022"
"""The incident of whoever names none."""
LONGEST = 17
"""Digits of a sum that a command takes."""
LEAST_DRAWS = 8_192
MOST_DRAWS = 2**20
"""More would take minutes and gigabytes, for digits that nobody needs."""
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
Budget = Annotated[
    str | None,
    typer.Option(help="A sum in whole currency, such as 300_000_000: how likely does the cash exceed it?"),
]
Draws = Annotated[
    int | None, typer.Option(help="Points of the uncertain inputs, a power of two. By default 16384.")
]
Seed = Annotated[int | None, typer.Option(help="Of those points: the same seed gives the same digits.")]
Level = Annotated[str, typer.Option(help="Probability of the intervals: 80% or 0.8.")]
Recovery = Annotated[
    bool, typer.Option("--recovery", help="Take synthetic claims, to see what they were made from again.")
]
Hindsight = Annotated[bool, typer.Option(help="Show, apart, what came out after the as-of day.")]
Compare = Annotated[
    list[str] | None,
    typer.Option(help="Another policy to set beside, on the same draws; repeat for more."),
]
Formats = Annotated[
    str | None, typer.Option(help="Which to write, with commas, such as html,pdf,xlsx. By default all.")
]
Bom = Annotated[bool, typer.Option("--bom", help="Begin CSV files with the mark that Korean Excel needs.")]
Memory = Annotated[
    str | None,
    typer.Option(
        help="What the engine may keep in memory, as 4GB or 50%; the rest goes to --temp. By default half of "
        "what the machine has."
    ),
]
Threads = Annotated[int | None, typer.Option(help="Threads of the engine. By default one a core.")]
Temp = Annotated[
    Path | None,
    typer.Option(
        help="Folder for copies and for what does not fit into memory. By default the system's for "
        "temporary files."
    ),
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
    compare: list[str] | None = None,
    budget: str | None = None,
    draws: int | None = None,
    seed: int | None = None,
) -> Plan:
    """The plan that a command's options describe."""
    from outage_analysis.analysis import Plan

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
        compare=tuple(compare or ()),
        budget=None if budget is None else money(budget),
        **drawn(draws, seed),
    )


class Drawn(TypedDict, total=False):
    """How points of the uncertain inputs are taken."""

    draws: int
    seed: int


def drawn(draws: int | None, seed: int | None) -> Drawn:
    """The draws and the seed that are given; the others are as they are by default."""
    if draws is not None and draws < LEAST_DRAWS:
        raise UsageError(
            "--draws asks for too few points for a P99", value=draws, remedy=f"Take {LEAST_DRAWS:,} or more."
        )
    if draws is not None and draws > MOST_DRAWS:
        raise UsageError(
            "--draws asks for too many points", value=draws, remedy=f"Take {MOST_DRAWS:,} or fewer."
        )
    if seed is not None and seed < 0:
        raise UsageError("--seed is negative", value=seed, remedy="Take a whole number from 0 on.")
    found: Drawn = {}
    if draws is not None:
        found["draws"] = draws
    if seed is not None:
        found["seed"] = seed
    return found


@contextmanager
def read_under(incident: str) -> Iterator[None]:
    """Say in a refusal of what a file holds under which incident it was read, where none may be named."""
    try:
        yield
    except InputRefused as refusal:
        looked_into = refusal.row is not None or refusal.value is not None
        if incident == BUNDLED and looked_into:
            told = f"It was read under the incident {incident}; name your own with --incident."
            refusal.remedy = f"{refusal.remedy} {told}".lstrip()
        raise


def money(text: str, option: str = "--budget") -> int:
    """A sum in whole currency, written with or without separators."""
    digits = text.replace("_", "").replace(",", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= LONGEST and int(digits)):
        raise UsageError(
            f"{option} is no sum in whole currency", value=text, remedy="Write it as 300_000_000."
        )
    return int(digits)


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
