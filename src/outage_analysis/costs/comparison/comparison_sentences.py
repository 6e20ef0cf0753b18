"""The comparison of policies in sentences: the least cost, the most for people, dominated policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from outage_analysis.text import Locale

EVEN, CERTAIN = 0.5, 0.99
"""A probability above `CERTAIN` is written as "more than 99 %"."""


def comparison_sentences(
    valuation: str,
    policies: pl.DataFrame,
    pairs: pl.DataFrame,
    locale: Locale,
    names: Mapping[str, str],
    *,
    has_correlated_inputs: bool = False,
    benefits: bool = True,
) -> str:
    """Say which policy costs least, which gives people most, and which policies another dominates.

    Args:
        valuation: the kind of cost that is compared, such as `cash`.
        policies: the columns of `POLICIES`.
        pairs: the columns of `PAIRS`.
        locale: the language and its number formats.
        names: the display name of each policy, by id.
        has_correlated_inputs: whether the ledger declares correlations between inputs.
        benefits: whether to say what people get; otherwise only the costs are compared.
    """
    quoted = {id_: locale("compare.quoted", name=name) for id_, name in names.items()}
    sentences = [_least_cost(valuation, policies, pairs, locale, quoted)]
    if has_correlated_inputs:
        sentences.append(locale("compare.tied"))
    if benefits:
        sentences += _most_for_people(policies, locale, quoted)
    without_cost = policies.filter(pl.col("expected").is_null())["policy"].to_list()
    if without_cost:
        sentences.append(locale("compare.silent", policies=", ".join(quoted[x] for x in without_cost)))
    return " ".join(sentences)


def _least_cost(
    valuation: str, policies: pl.DataFrame, pairs: pl.DataFrame, locale: Locale, quoted: Mapping[str, str]
) -> str:
    known = policies.filter(pl.col("expected").is_not_null()).sort("expected", maintain_order=True)
    (best, least), (second, next_least) = known.select("policy", "expected").head(2).rows()
    row = next(r for r in pairs.iter_rows(named=True) if {r["policy"], r["other"]} == {best, second})
    chance = row["cheaper"] if row["policy"] == best else row["dearer"]
    key = "least" if chance >= EVEN else "least_yet"
    if least == next_least:
        key = "same" if row["cheaper"] or row["dearer"] else "always"
    return locale(
        f"compare.{key}",
        policy=quoted[best],
        other=quoted[second],
        cost=locale.money(least),
        other_cost=locale.money(next_least),
        valuation=locale(f"word.{valuation}"),
        chance=locale("compare.almost", chance=locale.share(CERTAIN))
        if chance > CERTAIN
        else locale.share(chance),
    )


def _most_for_people(policies: pl.DataFrame, locale: Locale, quoted: Mapping[str, str]) -> Iterator[str]:
    ranked = policies.filter(pl.col("benefit_rank").is_not_null())
    if len(ranked) < 2:  # noqa: PLR2004 - a comparison needs two
        missing = policies.filter(pl.col("benefit_rank").is_null())["policy"].to_list()
        yield locale("compare.not_measured", policies=_listed(missing, quoted))
        return
    best = ranked.filter(benefit_rank=1).to_dicts()
    listed = _listed([row["policy"] for row in best], quoted)
    if len(best) == len(ranked):
        yield locale("compare.most_same")
    elif best[0]["replaced_low"] is None:
        payment, people = best[0]["per_recipient"], best[0]["recipients"]
        yield locale(
            "compare.most_each", policy=listed, amount=locale.money(payment), people=locale.number(people)
        )
        yield from _most_people(ranked, best, locale, quoted)
    else:
        low, high = (locale.share(best[0][name]) for name in ("replaced_low", "replaced_high"))
        key = "most_replaced" if low == high else "most_replaced_bounds"
        yield locale(f"compare.{key}", policy=listed, low=low, high=high)
    dominated = ranked.filter(pl.col("dominated_by").is_not_null())
    for name, by in dominated.select("policy", "dominated_by").iter_rows():
        yield locale("compare.dominated", policy=quoted[name], by=_listed(by.split(), quoted))
    if dominated.is_empty():
        yield locale("compare.none_dominated")


def _most_people(
    ranked: pl.DataFrame, best: Sequence[Mapping[str, object]], locale: Locale, quoted: Mapping[str, str]
) -> Iterator[str]:
    name, people, payment = (
        ranked.sort("recipients", descending=True, maintain_order=True)
        .select("policy", "recipients", "per_recipient")
        .row(0)
    )
    if name not in [row["policy"] for row in best]:
        yield locale(
            "compare.most_people",
            policy=quoted[name],
            amount=locale.money(payment),
            people=locale.number(people),
        )


def benefit_notes(policies: pl.DataFrame, locale: Locale) -> list[str]:
    """Return one sentence per reason why the share of the loss that policies pay is unknown."""
    reasons = policies.group_by("not_measured", maintain_order=True).agg(pl.col("policy"))
    notes = []
    for reason, ids in reasons.drop_nulls("not_measured").iter_rows():
        note = locale(f"compare.note_{reason}")
        notes.append(note if len(ids) == len(policies) else f"{', '.join(ids)}: {note}")
    return notes


def _listed(policies: Sequence[str], quoted: Mapping[str, str]) -> str:
    return ", ".join(quoted[x] for x in policies)
