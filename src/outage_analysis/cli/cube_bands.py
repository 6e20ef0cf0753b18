"""The loss bands of the command `cube`: the options that set them, and how their edges are parsed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import typer

from outage_analysis.cli.option_values import MOST_MONEY_DIGITS
from outage_analysis.errors import UsageError

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    from outage_analysis.incidents import Bands
    from outage_analysis.incidents import Incident as LoadedIncident

Edges = Annotated[
    str | None,
    typer.Option(
        help="Edges of the loss bands, in whole currency or in the unit of the losses, as "
        "0,300000,500000. By default a fine grid."
    ),
]
CubePolicy = Annotated[
    str | None,
    typer.Option(
        help="Also end bands at the edges of this policy: bundled id, or path to its TOML file. Without "
        "--bands, by default the bundled policy of the incident, if there is one."
    ),
]


def cube_bands(incident: LoadedIncident, edges: str | None, policy: str | None) -> Bands:
    """Return the loss bands of a cube: those of --bands or a fine grid, cut at the edges of the policy.

    Args:
        incident: the incident, whose currency and loss unit the edges are in.
        edges: the value of --bands; None for the fine grid.
        policy: the value of --policy; None without one.

    Raises:
        UsageError: the edges cannot be parsed, or the policy has other units than the incident.
    """
    from outage_analysis.files import bundled_ids
    from outage_analysis.incidents import Bands, log_grid
    from outage_analysis.policies import check_same_units, load_policy

    if policy is None and edges is None and incident.id in bundled_ids("policies"):
        policy = incident.id
    cuts: tuple[int, ...] = ()
    if policy is not None:
        document = load_policy(policy)
        check_same_units(document, incident)
        cuts = document.breakpoints
    if edges is None:
        return Bands.from_cuts(log_grid(), cuts)
    return Bands.from_cuts(parse_edges(edges, incident.loss_digits), cuts)


def parse_edges(text: str, digits: int, option: str = "--bands") -> tuple[int, ...]:
    """Parse edges of loss bands, such as 0,300000,500000 or 0,12.50, into whole numbers of the smallest unit.

    An edge of 0 at the beginning is left out, because every list of bands has an edge at 0.

    Args:
        text: the edges, separated by commas, in whole currency or in the unit of the losses.
        digits: the number of decimals of a loss.
        option: the name of the option, for the error message.

    Raises:
        UsageError: an edge is not a number from 0, has more decimals than a loss, or does not increase.
    """
    units: list[int] = []
    for word in text.split(","):
        whole, _, part = word.strip().replace("_", "").partition(".")
        number = whole + part.ljust(digits, "0")
        is_number = whole.isdigit() and number.isascii() and number.isdigit() and len(part) <= digits
        if not is_number or len(number) > MOST_MONEY_DIGITS:
            example = "0,300000,500000" if digits == 0 else f"0,300,500.{'0' * digits}"
            raise UsageError(
                f"an edge of {option} is not a number with at most {digits} decimals",
                value=word.strip(),
                remedy=f"Write the edges in increasing order, as {example}.",
            )
        units.append(int(number))
    for low, high in pairwise(units):
        if low >= high:
            raise UsageError(
                f"the edges of {option} do not increase", value=text, remedy="Sort them, each once."
            )
    return tuple(edge for edge in units if edge > 0)
