"""The comparison of policies in sentences: the least cost, the most for people, dominated policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import polars as pl

from outage_analysis.text import Locale

if TYPE_CHECKING:
    from outage_analysis.costs.comparison.compare_policies import PolicySimulations

EVEN, CERTAIN = 0.5, 0.99
"""A probability above `CERTAIN` is written as "more than 99 %"."""


def comparison_sentences(
    found: PolicySimulations, locale: Locale, names: Mapping[str, str], *, benefits: bool
) -> str:
    """Say which policy costs least, which gives people most, and which policies another dominates.

    Args:
        found: the comparison.
        locale: the language and its number formats.
        names: the display name of each policy, by id.
        benefits: whether to say what people get; otherwise only the costs are compared.
    """
    quoted = {id_: locale("compare.quoted", name=name) for id_, name in names.items()}
    sentences = [_least_cost(found, locale, quoted)]
    if found.has_correlated_inputs:
        sentences.append(locale("compare.tied"))
    if benefits:
        sentences += _most_for_people(found.policies, locale, quoted)
    without_cost = found.policies.filter(pl.col("expected").is_null())["policy"]
    if len(without_cost):
        sentences.append(locale("compare.silent", policies=", ".join(map(quoted.__getitem__, without_cost))))
    return " ".join(sentences)


def _least_cost(found: PolicySimulations, locale: Locale, quoted: Mapping[str, str]) -> str:
    known = found.policies.drop_nulls("expected").sort("expected", maintain_order=True)
    (best, least), (second, next_least) = known.select("policy", "expected").head(2).rows()
    row = next(r for r in found.pairs.iter_rows(named=True) if {r["policy"], r["other"]} == {best, second})
    chance = row["cheaper"] if row["policy"] == best else row["dearer"]
    key = "least" if chance >= EVEN else "least_yet"
    if least == next_least:
        key = "same" if row["cheaper"] or row["dearer"] else "always"
    shown = locale.share(min(chance, CERTAIN))
    return locale(
        f"compare.{key}",
        policy=quoted[best],
        other=quoted[second],
        cost=locale.money(least),
        other_cost=locale.money(next_least),
        valuation=locale(f"word.{found.valuation}"),
        chance=locale("compare.almost", chance=shown) if chance > CERTAIN else shown,
    )


def _most_for_people(policies: pl.DataFrame, locale: Locale, quoted: Mapping[str, str]) -> Iterator[str]:
    def listed(ids: pl.Series) -> str:
        return ", ".join(quoted[x] for x in ids)

    ranked = policies.drop_nulls("benefit_rank")
    if len(ranked) < 2:  # noqa: PLR2004 - a comparison needs two
        missing = policies.filter(pl.col("benefit_rank").is_null())
        yield locale("compare.not_measured", policies=listed(missing["policy"]))
        return
    best = ranked.filter(benefit_rank=1)
    first = best.row(0, named=True)
    if len(best) == len(ranked):
        yield locale("compare.most_same")
    elif first["replaced_low"] is None:
        reach = ranked.sort("recipients", descending=True, maintain_order=True).row(0, named=True)
        rows = {"most_each": (first, listed(best["policy"])), "most_people": (reach, quoted[reach["policy"]])}
        if reach["policy"] in best["policy"]:
            del rows["most_people"]
        for key, (row, policy) in rows.items():
            people = locale.number(row["recipients"])
            amount = locale.money(row["per_recipient"])
            yield locale(f"compare.{key}", policy=policy, amount=amount, people=people)
    else:
        low, high = (locale.share(first[name]) for name in ("replaced_low", "replaced_high"))
        key = "most_replaced" if low == high else "most_replaced_bounds"
        yield locale(f"compare.{key}", policy=listed(best["policy"]), low=low, high=high)
    dominated = ranked.drop_nulls("dominated_by")
    for name, by in dominated.select("policy", "dominated_by").iter_rows():
        yield locale("compare.dominated", policy=quoted[name], by=", ".join(quoted[x] for x in by.split()))
    if dominated.is_empty():
        yield locale("compare.none_dominated")
