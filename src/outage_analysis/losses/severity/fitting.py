"""Loss bands -> fitted severity: laws of loss fitted to counts in bands, by maximum likelihood.

Losses are fitted in units of their median on the logarithms of the parameters, so that the unit of the
edges changes nothing but the scale. What lies beyond the edges is a question that a fit must answer:
`top` and `left` ask it. Methods: Klugman, Panjer and Willmot, Loss Models; Burnham and Anderson, Model
Selection and Multimodel Inference.
"""

from __future__ import annotations

from collections.abc import Sequence

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import nearest
from outage_analysis.losses.severity.averaging import Fits
from outage_analysis.losses.severity.families import FAMILIES, Family
from outage_analysis.losses.severity.fit import Fit, fit
from outage_analysis.losses.severity.grouped import GroupedLosses


def fit_grouped(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    family: str,
    top: str,
    left: str = "ground_up",
    synthetic: bool = False,
) -> Fit:
    """Fit one family to counts of losses in bands.

    Args:
        edges: k + 1 increasing edges from 0 on, in the unit of the losses; the last may be infinite.
        counts: k whole numbers of losses.
        family: a key of `FAMILIES`.
        top: `open`, `closed` or `truncated`: three different models, so it must be said. See `GroupedLosses`.
        left: `ground_up` or `truncated`.
        synthetic: whether the losses were made; what shows the fit then says so.

    Raises:
        UsageError: edges, conventions or a family that do not make sense.
        InputRefused: counts that are not whole numbers from 0 on, or none at all.
        ModelRefused: too few non-empty bands for the family, or no law of it is likeliest.
    """
    return fit(GroupedLosses.from_numbers(edges, counts, top, left, synthetic=synthetic), _family(family))


def fit_all(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    top: str,
    left: str = "ground_up",
    synthetic: bool = False,
    families: Sequence[str] = tuple(FAMILIES),
) -> Fits:
    """Fit several families; those that cannot be fitted are kept with the reason.

    Raises:
        UsageError, InputRefused: as `fit_grouped`.
        ModelRefused: none could be fitted; or all losses lie in one band.
    """
    grouped = GroupedLosses.from_numbers(edges, counts, top, left, synthetic=synthetic)
    fitted: dict[str, Fit] = {}
    refused: dict[str, str] = {}
    for family in map(_family, families):
        try:
            fitted[family.name] = fit(grouped, family)
        except ModelRefused as error:
            refused[family.name] = str(error)
    if not fitted:
        raise ModelRefused("no family could be fitted", remedy=next(iter(refused.values()), ""))
    return Fits(fitted, refused)


def _family(name: str) -> Family:
    if name not in FAMILIES:
        raise UsageError("no such family", value=name, remedy=nearest(name, list(FAMILIES)))
    return FAMILIES[name]
