"""The sliders of a report: all of them on its page, in a notebook those that matter most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from markupsafe import Markup

from outage_analysis.sliders import WhatIf, markup, what_if

if TYPE_CHECKING:
    from outage_analysis.reports.report import Report


class Sliders(NamedTuple):
    """Sliders, or why there are none."""

    moved: WhatIf | None
    markup: Markup
    refused: str


def sliders(report: Report, *, most: int | None = None, title: Literal["h3", "p"] = "h3") -> Sliders:
    """The sliders of a report's headline.

    Args:
        report: the report.
        most: at most so many, those of the inputs that move the cash most; by default all.
        title: the element of a total's title.
    """
    w = report.words
    ranking = report.analysis.tables["tornado"]["assumption"].to_list() if report.products else []
    moved = what_if(report.products, w, report.names, most=most, ranking=ranking)
    if moved is None:
        tied = report.analysis.runs and report.products is None
        return Sliders(None, Markup(), w("report.what_if_tied" if tied else "report.what_if_none"))
    return Sliders(moved, markup(moved, w, _likely(report), title=title), "")


def _likely(report: Report) -> str:
    """Whose range it is that the sliders leave alone."""
    table = report.analysis.doubt(report.analysis.headline, "quantiles")
    told = (
        {} if table is None else dict(table.filter(valuation="cash").select("measure", "value").iter_rows())
    )
    if not {"p10", "p90"} <= set(told):
        return report.words("report.what_if_no_range")
    low, high = (report.words.money(told[end]) for end in ("p10", "p90"))
    return report.words("report.what_if_range", low=low, high=high)
