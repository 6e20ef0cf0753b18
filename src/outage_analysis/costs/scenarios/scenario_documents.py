"""The document of scenarios: named stresses of a cost, each with the changes that it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from outage_analysis.files import Document, Identifier, Name, Text, Unit, find_duplicate, read_document

BASE = "base"
"""The id of the row without any change."""
STRESSES = "stresses"
"""The id of the bundled document."""
CHANGES = (
    "effort",
    "extra_days",
    "count_factor",
    "award_factor",
    "acceptance_odds_ratio",
    "filing_odds_ratio",
    "rank_correlation",
)
"""The keys of a scenario that change something."""
Multiple = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False), Unit("times")]


class Scenario(Document):
    """A stress: what would the cost be if one or more things were different?"""

    id: Identifier
    """The id in tables."""
    name: Name
    """The name for readers."""
    note: Text
    """What the scenario assumes, in one sentence."""
    effort: Literal["one_tap", "form", "documents"] | None = None
    """What claimants must do, on every line that they must claim. Filing share and acceptance of a line whose
    effort changes come from the reference classes of this effort. Lines that are paid automatically do not
    change."""
    extra_days: Annotated[int, Field(ge=1, le=366), Unit("days")] | None = None
    """By how many days the deadline is extended, on every line that must be claimed. The count grows as the
    late-claims forecast from dated claims, or from `intake`, expects; without them the scenario has no
    figures."""
    spike: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), Unit("times")] | None = None
    """With `extra_days`, the additional claims on the last day, as a multiple of the claims that the growth
    curve expects on it; 0 means no rush. The forecast needs it."""
    intake: str = ""
    """With `extra_days`, the bundled id or the path of an intake whose growth stands for that of a published
    count."""
    count_factor: Multiple | None = None
    """The number by which every count of reports, claims or people is multiplied; totals that are announced
    or known as one amount do not change."""
    award_factor: Multiple | None = None
    """The number by which the mean award of a review is multiplied."""
    acceptance_odds_ratio: Multiple | None = None
    """The number by which the odds of acceptance are multiplied."""
    filing_odds_ratio: Multiple | None = None
    """The number by which the odds of filing are multiplied for large losses."""
    over: Annotated[int, Field(ge=0), Unit("smallest unit of the loss")] | None = None
    """With `filing_odds_ratio`, the amount above which a loss is large. It must be an edge of the band mix;
    by default it is the highest edge of the line's bands."""
    rank_correlation: Annotated[float, Field(ge=0, lt=1)] | None = None
    """The rank correlation between all inputs."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.changes:
            raise ValueError(f"changes nothing | Add one of: {', '.join(CHANGES)}.")
        for key, needed in (("spike", "extra_days"), ("intake", "extra_days"), ("over", "filing_odds_ratio")):
            if getattr(self, key) not in (None, "") and getattr(self, needed) is None:
                raise ValueError(f"has {key} without {needed} | Add {needed}, or leave {key} out.")
        if self.extra_days is not None and self.count_factor is not None:
            raise ValueError(
                "has both extra_days and count_factor | Keep one: the second states what the first forecasts."
            )
        return self

    @property
    def changes(self) -> tuple[str, ...]:
        """The keys with which the scenario changes something."""
        return tuple(key for key in CHANGES if getattr(self, key) is not None)


class ScenarioSet(Document):
    """A list of scenarios."""

    id: Identifier
    """The id by which commands refer to the document."""
    name: Name
    """The name for readers."""
    scenarios: tuple[Scenario, ...] = Field(alias="scenario", min_length=1)
    """The scenarios, in the order of the table."""

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [scenario.id for scenario in self.scenarios]
        if (id_ := find_duplicate(ids)) is not None:
            raise ValueError(f"has two scenarios {id_}")
        if BASE in ids:
            raise ValueError(f"has a scenario {BASE}, which is the row without changes | Rename it.")
        return self

    def name_of(self, id_: str, lang: str) -> str:
        """Return the name of a scenario in a language; the id itself for an unknown scenario."""
        return next((scenario.name[lang] for scenario in self.scenarios if scenario.id == id_), id_)


def load_scenarios(id_or_path: str | Path | ScenarioSet = STRESSES) -> ScenarioSet:
    """Read a document of scenarios, given its bundled id or the path of a TOML file.

    Raises:
        UsageError: there is no such document, or one of its keys is invalid.

    Example:
        >>> [scenario.id for scenario in load_scenarios().scenarios][:2]
        ['one-tap', 'two-more-weeks']
    """
    return read_document(ScenarioSet, "scenarios", id_or_path)
