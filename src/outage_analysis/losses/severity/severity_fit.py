"""Fit one severity distribution to plain lists of edges and counts; the fit draws itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.losses.severity.families import FAMILIES
from outage_analysis.losses.severity.fit import Fit
from outage_analysis.losses.severity.fitted_curves import curve_table
from outage_analysis.losses.severity.fitting import Fits, fit_grouped
from outage_analysis.text import Locale

if TYPE_CHECKING:
    from outage_analysis.charts import AltairChart

FIT_CHARTS = ["ogive", "tail"]


@dataclass(frozen=True, repr=False)
class SeverityFit(Fit):
    """A severity distribution fitted to counts of losses in bands, with a chart."""

    def chart(
        self,
        name: str = "ogive",
        *,
        loss: str = "",
        width: int | None = None,
        height: int | None = None,
        title: str | None = None,
        lang: str = "en",
    ) -> AltairChart:
        """Return a chart of the fitted curve and of the counted shares; `save` writes it as it is shown.

        Args:
            name: `ogive` for the share of losses up to each amount, `tail` for the share above it.
            loss: the name and unit of the losses, such as "stated loss, won".
            width: the width in pixels; by default the chart fills its container.
            height: the height in pixels.
            title: a title in place of the finding that the chart states.
            lang: en or ko.

        Raises:
            UsageError: there is no such chart, or the size is not possible.
            ModelRefused: there are too few losses, or no loss lies above the first edge.
        """
        from outage_analysis import charts  # imported here: charts are a later layer, and slow to import

        if name not in FIT_CHARTS:
            raise UsageError(
                "no such chart of a fit", value=name, remedy=spelling_hint(str(name), FIT_CHARTS)
            )
        locale = Locale(lang)
        context = charts.ChartContext(
            locale,
            {},
            date.min,  # The footer names the fit instead of a day.
            loss or locale("chart.unnamed_loss"),
            source=locale("card.fit", family=locale(f"word.{self.family}"), count=locale.number(self.n)),
        )
        table = curve_table(Fits({self.family: self}, {}))
        chart = charts.standalone_chart(name, table, context, width=width, height=height, title=title)
        if chart is None:
            raise ModelRefused(f"no loss can be shown in the chart {name}", remedy="Choose the other chart.")
        return chart


def fit_severity(
    edges: Sequence[float | None],
    counts: Sequence[float],
    family: str = "lognormal",
    *,
    top: str | None = None,
    left: str = "ground_up",
) -> SeverityFit:
    """Fit a severity distribution to counts of losses in bands.

    Args:
        edges: increasing edges from 0 on, in any unit. The last band is open, that is, it has no upper edge,
            if the last edge is None or infinite, or if there are as many edges as counts.
        counts: the number of losses in each band.
        family: a family of distributions, a key of `FAMILIES`.
        top: what is known about losses above a finite last edge: `closed` if they would have been counted
            and there were none, `truncated` if they could not be observed, `open` if the last band contains
            them anyway. It is needed only if the last band has an upper edge.
        left: `truncated` if losses up to the first edge could not be observed.

    Returns:
        The fit with its parameters, standard errors, quantiles and goodness of fit; `.chart()` draws it.

    Raises:
        UsageError: the family is unknown, the edges are invalid, or `top` is missing.
        InputRefused: a count is not a whole number from 0 on, or all counts are 0.
        ModelRefused: there are too few non-empty bands for the family, or the likelihood has no maximum.

    Example:
        >>> from outage_analysis.losses import fit_severity
        >>> fit = fit_severity([0, 10, 20, 50, None], [40, 30, 30, 0], family="exponential")
        >>> round(fit.value("mean"), 1)
        15.2
    """
    if family not in FAMILIES:
        raise UsageError("no such family", value=family, remedy=spelling_hint(str(family), list(FAMILIES)))
    ends = [np.inf if edge is None else edge for edge in edges]
    if len(ends) == len(counts):
        ends.append(np.inf)
    if ends and ends[-1] == np.inf:
        if top not in (None, "open"):
            raise UsageError("the last band is open, because it has no upper edge", value=top)
        top = "open"
    if top is None:
        raise UsageError(
            "the last band has an upper edge, so state what is known about larger losses",
            remedy='Give top="closed" (there were none), "truncated" (they could not be observed) or "open".',
        )
    fitted = fit_grouped(ends, counts, family=family, top=top, left=left)
    return SeverityFit(*(getattr(fitted, field.name) for field in fields(fitted)))
