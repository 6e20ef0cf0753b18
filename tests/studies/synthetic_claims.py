"""Makes the bundled synthetic complaints from published counts and from the assumptions in `synthetic/`.

    python -m tests.studies.synthetic_claims kakao-2022 data/claims/kakao-2022-synthetic.parquet

No complaint file was ever published. The rows match the published counts exactly; everything else is assumed.
Do not change the order in which random numbers are drawn: the same seed would then give other rows.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import special

from outage_analysis.incidents import LARGEST_LOSS, Incident, NamedItem, get_fact, load_incident

SEEDS = {"kakao-2022": 20221015, "trams": 20250310}
LOSS_STATES = ("some", "zero", "unknown")
SOME, ZERO, _ = range(3)
AFFILIATE = "affiliate"
"""The category of complaints for which no counts by claimant type were published."""


def apportion(weights: Iterable[float], total: int) -> np.ndarray:
    """Divide `total` into whole numbers that are proportional to the weights."""
    running = np.cumsum([*weights], dtype=float)
    if not total:
        return np.zeros(len(running), dtype=int)
    return np.asarray(np.diff(np.rint(running / running[-1:] * total), prepend=0), dtype=int)


def number(stated: float | str) -> float:
    """A weight or a count; the id of a published fact stands for its value."""
    return get_fact(stated).number if isinstance(stated, str) else stated


class Texts:
    """A column of texts, each stored as its position among a few; the last text is None."""

    def __init__(self, texts: Iterable[str], codes: np.ndarray) -> None:
        self.texts, self.codes = [*texts, None], codes

    def equal(self, text: str) -> np.ndarray:
        code = self.texts.index(text) if text in self.texts else len(self.texts)
        return np.asarray(self.codes == code)

    def series(self) -> pl.Series:
        return pl.Series(self.texts, dtype=pl.String).gather(pl.Series(self.codes))


class Rows:
    """Category, claimant type and loss state of each row, as positions, in the order of filing."""

    def __init__(self, stated: Mapping[str, Any], seed: int) -> None:
        self.stated = stated
        self.rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
        cases = {c: int(number(n)) for c, n in stated["categories"].items()}
        types = {t: int(number(n)) for t, n in stated["claimant_types"].items()}
        self.category_names, self.type_names = [*cases], [*types]
        self.categories = self.shuffled(cases.values())
        rows = len(self.categories)
        self.loss_states = np.empty(rows, np.uint16)
        states: dict[str, list[int]] = {}
        for mix in self.mixes("loss"):
            for category in mix.get("categories", cases):
                weights = [mix["weights"].get(word, 0) for word in LOSS_STATES]
                states[category] = apportion(weights, cases[category]).tolist()
                selected = self.categories == self.category_names.index(category)
                self.loss_states[selected] = self.shuffled(states[category])
        own = rows - cases.get(AFFILIATE, 0)
        with_loss = sum(count[SOME] for category, count in states.items() if category != AFFILIATE)
        wanted = {t: int(number(n)) for t, n in stated.get("with_loss", {}).items()}
        others = {t: n for t, n in types.items() if t not in wanted}
        left = apportion(others.values(), with_loss - sum(wanted.values())).tolist()
        losses = wanted | dict(zip(others, left, strict=True))
        assert sum(types.values()) == own, "the counts by category and by claimant type disagree"
        self.types = np.empty(rows, np.uint16)
        affiliate = Texts(cases, self.categories).equal(AFFILIATE)
        some = ~affiliate & (self.loss_states == SOME)
        for selected, counts in (
            (some, [losses[t] for t in types]),
            (~affiliate & ~some, [n - losses[t] for t, n in types.items()]),
            (affiliate, apportion(types.values(), rows - own)),
        ):
            self.types[selected] = self.shuffled(counts)

    def shuffled(self, counts: Iterable[int]) -> np.ndarray:
        """Positions in random order, each as often as `counts` says."""
        counts = np.array([*counts])
        return np.asarray(self.rng.permutation(np.repeat(np.arange(len(counts), dtype=np.uint16), counts)))

    def mixes(self, column: str) -> list[Mapping[str, Any]]:
        return [mix for mix in self.stated["mix"] if mix["column"] == column]

    def concerned(self, assumption: Mapping[str, Any]) -> np.ndarray:
        """Whether an assumption is about a row; without a list it is about all."""
        types = np.isin(self.type_names, assumption.get("claimant_types", self.type_names))
        categories = np.isin(self.category_names, assumption.get("categories", self.category_names))
        return np.asarray(types[self.types] & categories[self.categories])

    def drawn(self, column: str, rows: np.ndarray | slice = slice(None)) -> Texts:
        """The text of a column for each row, as often as the assumed weights say; None without weights."""
        mixes = self.mixes(column)
        texts = [*dict.fromkeys(text for mix in mixes for text in mix["weights"])]
        codes = np.full(len(self.types[rows]), len(texts), np.uint16)
        for mix in mixes:
            selected = self.concerned(mix)[rows]
            places = np.array([texts.index(text) for text in mix["weights"]], np.uint16)
            counts = apportion(map(number, mix["weights"].values()), selected.sum())
            codes[selected] = self.rng.permutation(np.repeat(places, counts))
        return Texts(texts, codes)


def claimants(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """The claimant of each row, and the first row of each claimant, who files at most twice."""
    first_rows, second = np.arange(len(rows.types)), rows.drawn("report").equal("second")
    by_type = [rows.types == type_ for type_ in range(len(rows.type_names))]
    for selected in sorted(by_type, key=np.argmax):
        firsts = rows.rng.permutation(np.flatnonzero(selected & ~second))
        seconds = np.flatnonzero(selected & second)[: len(firsts)]
        firsts = firsts[: len(seconds)]
        first_rows[firsts] = first_rows[seconds] = np.minimum(firsts, seconds)
    first = np.flatnonzero(first_rows == np.arange(len(rows.types)))
    numbers = np.empty(len(rows.types), int)
    numbers[first] = np.arange(len(first))
    return numbers[first_rows], first


def spelt(rows: Rows, ids: Texts, items: Iterable[NamedItem]) -> pl.Series:
    """Services or claimant types by their name or in any known spelling; English ones in an English file."""
    free = ~rows.drawn("spelling").equal("plain")
    texts: list[str] = []
    codes = np.zeros(len(rows.types), np.uint16)
    for item in items:
        english = rows.stated.get("language") == "en"
        ways = [item.name.en, *item.aliases] if english else [*item.known_names]
        selected = ids.equal(item.id)
        codes[selected] = len(texts) + rows.rng.integers(0, len(ways), selected.sum()) * free[selected]
        texts += ways
    return Texts(texts, codes).series()


def losses(rows: Rows, most: int) -> np.ndarray:
    """Losses above 0, lognormal within bands that hold exactly their share; people tell round sums."""
    amounts = np.zeros(len(rows.types), dtype=np.int64)
    for model in rows.stated["losses"]:
        selected = rows.concerned(model) & (rows.loss_states == SOME)
        bands = model.get("band", [{"over": 0, "share": 1.0}])
        band = rows.shuffled(apportion((b["share"] for b in bands), selected.sum()))
        over, up_to = np.array([(b["over"], b.get("up_to", LARGEST_LOSS - 1)) for b in bands]).T
        edges = (np.log(np.maximum(e, 1e-9) / model["median"]) / model["sigma"] for e in (over, up_to))
        low, high = map(special.ndtr, edges)
        normal = special.ndtri(rows.rng.uniform(low[band], high[band]))
        samples = model["median"] * np.exp(model["sigma"] * normal)
        over, up_to = over[band], np.minimum(up_to, most)[band]
        exact = np.clip(np.ceil(samples), over + 1, up_to)
        units = rows.drawn("unit", np.flatnonzero(selected))
        step = np.array([1 if unit in (None, "edge") else int(unit) for unit in units.texts])[units.codes]
        rounded = np.where(units.equal("edge"), up_to, np.rint(exact / step) * step)
        in_band = (rounded > over) & (rounded <= up_to) & (rounded < most)
        amounts[selected] = np.where(in_band, rounded, exact)
    return amounts


def assumptions(name: str) -> dict[str, Any]:
    """What is assumed about the complaints of a bundled outage."""
    return tomllib.loads((Path(__file__).parent / "synthetic" / f"{name}.toml").read_text("utf-8"))


def synthetic_claims(stated: Mapping[str, Any], seed: int) -> pl.DataFrame:
    """Synthetic complaints, one row per complaint, in the order of filing."""
    rows, incident = Rows(stated, seed), load_incident(stated["incident"])
    days = _days(rows, incident)
    numbers, first_rows = claimants(rows)
    frame = pl.DataFrame(
        {
            "claim_id": np.arange(1, 1 + len(numbers)),
            "claimant_id": numbers + 1,
            "service": spelt(rows, rows.drawn("service"), incident.services),
            "claimant_type": spelt(rows, Texts(rows.type_names, rows.types), incident.claimant_types),
            "filed_on": days,
            "loss": losses(rows, incident.loss.plausible_to or LARGEST_LOSS - 1),
            "known": np.isin(rows.loss_states, (SOME, ZERO)),
            **{
                column: rows.drawn(column, first_rows).series().gather(numbers)
                for column in ("region", "industry")
                if rows.mixes(column)
            },
            stated.get("category_column", "category"): Texts(rows.category_names, rows.categories).series(),
        }
    )
    return frame.with_columns(
        *(
            (start + pl.col(column).cast(pl.String).str.zfill(6)).alias(column)
            for column, start in (("claim_id", "SYN-"), ("claimant_id", "SYN-C"))
        ),
        pl.when("known").then("loss").alias("loss"),
        synthetic=pl.lit(value=True),
    ).drop("known")


def _days(rows: Rows, incident: Incident) -> pl.Series:
    (early,), (late,) = rows.mixes("early_day"), rows.mixes("late_day")
    many = int(number(rows.stated["early"]))
    rest = len(rows.types) - many
    _ = rows.rng.permutation(many), rows.rng.permutation(rest)  # not used: the bundled files were drawn so
    weights = ((mix["weights"], total) for mix, total in ((early, many), (late, rest)))
    counts = np.concatenate([apportion(days.values(), total) for days, total in weights])
    days = pl.Series([*early["weights"], *late["weights"]]).str.to_date()
    assert days.is_between(incident.claims_from, incident.claims_to).all(), "outside the claims window"
    order = days.arg_sort()
    return days.gather(order).gather(np.repeat(np.arange(len(days)), counts[order]))


def main(name: str, path: str) -> None:
    metadata = {"synthetic": "true", "seed": str(SEEDS[name])}
    synthetic_claims(assumptions(name), SEEDS[name]).write_parquet(path, metadata=metadata)


if __name__ == "__main__":
    main(*sys.argv[1:])
