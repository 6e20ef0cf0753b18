"""Fit severity distributions to counts of losses in bands, by maximum likelihood.

Losses are divided by their median and parameters are fitted on the logarithmic scale, so that the unit of the
edges affects only the scale parameter. The arguments `top` and `left` state what is known about losses beyond
the first and last edge. The methods are from Klugman, Panjer and Willmot, Loss Models, and from Burnham and
Anderson, Model Selection and Multimodel Inference.
"""

from __future__ import annotations

from collections.abc import Sequence

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint
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
        counts: the number of losses in each of the k bands.
        family: a key of `FAMILIES`.
        top: what is known about losses above the last edge: `open`, `closed` or `truncated`. There is no
            default, because the three are different models; see `GroupedLosses`.
        left: what is known about losses below the first edge: `ground_up` or `truncated`.
        synthetic: whether the losses are synthetic; displays of the fit then state this.

    Raises:
        UsageError: the edges are invalid, or `top`, `left` or the family is unknown.
        InputRefused: a count is not a whole number from 0 on, or all counts are 0.
        ModelRefused: there are too few non-empty bands for the family, or the likelihood has no maximum.

    Example:
        >>> from outage_analysis.losses import fit_grouped
        >>> fit = fit_grouped([0, 10, 20, 50], [40, 30, 30], family="exponential", top="open")
        >>> round(fit.value("mean"), 1)
        17.4
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
    """Fit several families to counts of losses in bands.

    The arguments are those of `fit_grouped`. The result contains the reason for each family that cannot be
    fitted.

    Raises:
        UsageError: the edges are invalid, or `top`, `left` or a family is unknown.
        InputRefused: a count is not a whole number from 0 on, or all counts are 0.
        ModelRefused: no family could be fitted, or all losses are in one band.

    Example:
        >>> from outage_analysis.losses import fit_all
        >>> families = ("exponential", "gamma")
        >>> fits = fit_all([0, 5, 10, 20, 50], [25, 15, 30, 30], top="open", families=families)
        >>> round(fits.average("mean"), 1)
        17.1
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
        raise UsageError("no such family", value=name, remedy=spelling_hint(name, list(FAMILIES)))
    return FAMILIES[name]
