"""What every result about an incident has in common: its inputs as JSON, and warnings about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outage_analysis.assumptions import Ledger, example_warning
from outage_analysis.claims import Claims, explain_reject
from outage_analysis.losses import reject_sentence
from outage_analysis.text import Locale, Result

if TYPE_CHECKING:
    from outage_analysis.analysis.alternatives import PolicyResult
    from outage_analysis.analysis.analysis import Analysis


def inputs_as_dict(result: Analysis | PolicyResult) -> dict[str, Any]:
    """Return the inputs of a result as plain values, such as incident, ledger, as-of day, draws and seed."""
    used, plan = result.used_ledger, result.plan
    return {
        "incident": result.incident.id,
        "ledger": result.ledger.id if result.ledger else None,
        "as_of": result.as_of,
        "currency": result.incident.currency,
        "minor_units": result.incident.minor_units,
        "synthetic_claims": result.synthetic,
        "draws": plan.draws,
        "seed": plan.seed,
        "level": plan.level,
        **({"examples": used.examples} if used and used.examples else {}),
    }


def input_warnings(claims: Claims | None, ledger: Ledger | None, lang: str) -> list[str]:
    """Return sentences that say how many rows were rejected, and how many assumptions are only examples.

    `ingest` cannot read files of a derived incident, so for these the first reject is explained.
    """
    locale, found = Locale(lang), []
    rejects = int(claims.files["rejects"].sum()) if claims else 0
    if claims and rejects:
        counts = {"rejects": f"{rejects:,}", "rows": f"{rejects + len(claims):,}"}
        key = "terminal.rejects"
        if claims.incident.window == "observed":
            key = "terminal.rejects_observed"
            first = explain_reject(claims, claims.rejected_rows.row(0, named=True), lang)
            counts["first"] = reject_sentence(first, lang)
        found.append(locale(key, **counts))
    example = example_warning(ledger, locale)
    return [*found, example] if example else found


@dataclass(frozen=True)
class AnalysisResult(Result):
    """A result that is computed from an analysis, such as its scenarios."""

    analysis: Analysis

    def warnings(self, lang: str) -> list[str]:
        """Return what a reader must know about the inputs, such as rejected rows."""
        return self.analysis.warnings(lang)

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs of the analysis as plain values, with the source of the headline."""
        basis = {"policy": self.analysis.policy.id, "basis": self.analysis.headline_basis}
        return {**self.analysis.inputs, **basis}

    def marked(self, text: str, locale: Locale) -> str:
        """Return a text, with a mark before it if the headline is computed from synthetic claims."""
        return locale("terminal.synthetic_prefix") + text if self.analysis.headline_is_synthetic else text
