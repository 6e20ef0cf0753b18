"""The rule of reference classes, tried on every published class: writes the table of docs/validation.md.

Each class is forecast from the other classes of its group; its event is left out of the spread, too.
`python -m tests.studies.left_out_one_by_one` writes.
"""

from __future__ import annotations

from collections.abc import Iterator

from scipy import stats

from outage_analysis.assumptions.distributions import class_groups, published_spread, reference_class_prior
from outage_analysis.incidents import get_fact
from tests.paths import ROOT

PAGE = ROOT / "docs" / "validation.md"
START, END = "<!-- left out: written by `make docs` -->\n", "<!-- end of left out -->\n"
HEAD = (
    "| rate | effort | share of the | classes | lowest to highest | median | new event, 80 % | inside |\n"
    "| --- | --- | --- | ---: | --- | ---: | --- | ---: |\n"
)
TOPICS = ("take-up", "acceptance")


def rates(classes: tuple[str, ...]) -> list[float]:
    """The rates of classes; the middle of a range counts."""
    return [get_fact(id_).middle / 100 for id_ in classes]


def verdicts(topic: str) -> dict[tuple[str, str], list[bool]]:
    """Group -> for each of its classes, whether the 80 % range from the others contains it."""
    found: dict[tuple[str, str], list[bool]] = {}
    for key, classes in class_groups(topic).items():
        for left_out in classes if len(classes) > 1 else ():
            others = tuple(id_ for id_ in classes if id_ != left_out)
            prior = reference_class_prior(rates(others), published_spread(topic, classes))
            low, high = prior.quantile([0.1, 0.9])
            found.setdefault(key, []).append(bool(low <= rates((left_out,))[0] <= high))
    return found


def rows() -> Iterator[tuple[str, ...]]:
    """The cells of the table, one row per group."""
    for topic in TOPICS:
        found = verdicts(topic)
        for (effort, of), classes in sorted(class_groups(topic).items()):
            shares = sorted(rates(classes))
            prior = reference_class_prior(shares, published_spread(topic, classes))
            low, middle, high = (f"{100 * x:.3g}" for x in prior.quantile([0.1, 0.5, 0.9]))
            inside = found.get((effort, of), [])
            yield (
                *(topic, effort.replace("_", " "), of, str(len(classes))),
                f"{100 * shares[0]:.3g} to {100 * shares[-1]:.3g} %",
                *(f"{middle} %", f"{low} to {high} %"),
                f"{sum(inside)} of {len(inside)}" if inside else "",
            )


def summary() -> str:
    """How many of all classes lie inside, with the exact 95 % interval of the coverage."""
    inside = [x for topic in TOPICS for found in verdicts(topic).values() for x in found]
    ends = stats.binomtest(sum(inside), len(inside)).proportion_ci(0.95, "exact")
    return (
        f"{sum(inside)} of {len(inside)} classes lie in the 80 % range from the others: "
        f"{100 * sum(inside) / len(inside):.0f} %, with a 95 % interval of {100 * ends.low:.0f} to "
        f"{100 * ends.high:.0f} %.\n"
    )


def table() -> str:
    """The groups with their ranges, and the coverage, as Markdown."""
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows()) + "\n" + summary()


def renewed(text: str) -> str:
    """The page with its table renewed."""
    before, rest = text.split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
