"""A policy in plain words: one sentence a line, each example right."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from importlib.resources import files

import pytest
from hypothesis import given, settings, strategies as st

from outage_analysis.files import bundled_ids
from outage_analysis.policies import FeeCredit, Policy, Schedule, Tariff, explain, load_policy
from outage_analysis.text import LANGUAGES
from tests.costs.test_payouts import Page, owed, policy_of, rich_lines
from tests.policies.policy_documents import DOCS, SOUND, on_its_own

# --- in plain words --------------------------------------------------------------------------------


@cache
def phrases(lang: str) -> dict[str, str]:
    """What the sentences are made of."""
    page = tomllib.loads((files("outage_analysis.text") / "words" / f"{lang}.toml").read_text("utf-8"))
    return {key: str(text) for key, text in page["explain"].items()}


GAP = re.compile(r"\{(?P<name>\w+)(?::(?P<one>[^|}]+)\|(?P<many>[^|}]+))?\}")
"""A placeholder: `{count}`, or `{count:is|are}` for one of two words."""


@cache
def pattern(lang: str, key: str) -> re.Pattern[str]:
    """A phrase with its gaps. The gap of `{count:is|are}` is named for the number and its position."""
    phrase, expression, end = phrases(lang)[key], "", 0
    for gap in GAP.finditer(phrase):
        name, one, many = gap.groups()
        inside = f"<{name}>.+" if one is None else f"<{name}__{gap.start()}>{one}|{many}"
        expression += f"{re.escape(phrase[end : gap.start()])}(?P{inside})"
        end = gap.end()
    return re.compile(expression + re.escape(phrase[end:]))


def parts(lang: str, key: str, sentence: str) -> dict[str, str] | None:
    """What stands in the gaps of a phrase, if the sentence is one; it agrees with its numbers."""
    found = pattern(lang, key).fullmatch(sentence.strip())
    if found is None:
        return None
    gaps = found.groupdict()
    for gap in GAP.finditer(phrases(lang)[key]):
        if gap["one"] is not None:
            word = gaps.pop(f"{gap['name']}__{gap.start()}")
            if word != gap["one" if gaps[gap["name"]] == "1" else "many"]:
                return None
    return gaps


def number(text: str, digits: int) -> Fraction:
    """A number as a reader takes it, in the smallest unit."""
    (shown,) = re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    return Fraction(shown.replace(",", "")) * Fraction(10**digits)


def worked(policy: Policy, line: Schedule, lang: str) -> Iterator[tuple[Tariff, int, Fraction | None]]:
    """The examples of a line as they are told: the tariff, the loss, and what it gets."""
    alone = policy.model_copy(update={"lines": (line,), "missing": ()})
    following = iter([tariff for _, tariff in line.tariffs])
    tariff = line.tariff if not line.segments else None
    for sentence in explain(alone, lang):
        if any(parts(lang, key, sentence) is not None for key in ("segment", "others")):
            tariff = next(following)
        review = parts(lang, "example_review", sentence)
        example = review or parts(lang, "example", sentence)
        if example is not None:
            assert tariff is not None
            loss = number(example["loss"], policy.loss_digits)
            assert loss.denominator == 1
            yield tariff, int(loss), None if review else number(example["amount"], policy.digits)


TOLD = [*bundled_ids("policies"), "every-key"]


def policy_or_example(id_: str) -> Policy:
    """A bundled policy, or the page of every key."""
    return load_policy(id_ if id_ in bundled_ids("policies") else DOCS / f"{id_}.toml")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("id_", TOLD)
def test_every_example_in_the_text_is_what_the_tariff_pays(id_: str, lang: str) -> None:
    policy = policy_or_example(id_)
    for line in policy.schedules:
        examples = list(worked(policy, line, lang))
        for tariff, loss, amount in examples:
            assert tariff.pay(loss) == amount, (line.id, loss)
        for _, tariff in line.tariffs:  # one at each end of each band that holds a loss
            edges = [band for band, _ in tariff.rules()[3:] if band[1] is None or band[1] > (band[0] or 0)]
            needed = {(low or 0) + 1 for low, _ in edges} | {high for _, high in edges if high is not None}
            assert needed <= {loss for mine, loss, _ in examples if mine is tariff}


@given(
    page=rich_lines(scales=(1, 10**5)), lang=st.sampled_from(LANGUAGES), unit=st.sampled_from(["EUR", "days"])
)
@settings(max_examples=60)
def test_every_example_of_any_policy_is_what_the_document_owes(page: Page, lang: str, unit: str) -> None:
    policy = policy_of(page).model_copy(update={"loss_unit": unit})
    (line,) = policy.schedules
    tariffs = [tariff for _, tariff in line.tariffs]
    for tariff, loss, amount in worked(policy, line, lang):
        (place,) = [n for n, one in enumerate(tariffs) if one is tariff]
        assert owed(on_its_own(page, place), loss) == amount


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_example_of_a_fee_credit_is_its_arithmetic(lang: str) -> None:
    count = 0
    credits_ = [
        (p, line) for p in map(policy_or_example, TOLD) for line in p.lines if line.kind == "fee_credit"
    ]
    for policy, line in credits_:
        assert isinstance(line, FeeCredit)
        for sentence in explain(policy.model_copy(update={"lines": (line,)}), lang):
            if (found := parts(lang, "credit_example", sentence)) is None:
                continue
            assert number(found["fee"], policy.digits) == line.fee
            assert number(found["amount"], policy.digits) == line.payment, (policy.id, line.id)
            assert int(found["period"]) == line.period_days
            count += 1
    assert count > 2


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("id_", TOLD)
def test_a_policy_is_explained_in_one_sentence_per_line_with_nothing_left_open(id_: str, lang: str) -> None:
    policy = policy_or_example(id_)
    sentences = explain(policy, lang)
    for sentence in filter(None, sentences):
        assert re.search(r"[.:?)]$", sentence), sentence
        assert not re.search(r"\{|\}|None|\(\)|,\s*,|  +\S.*  ", sentence.strip()), sentence
        assert sentence.isprintable()
    for line in policy.lines:  # each line has a head of its own, and something said below it
        (place,) = [
            n for n, text in enumerate(sentences) if text.startswith(f"{line.name[lang]}") and line.id in text
        ]
        assert sentences[place - 1] == ""
        assert len([text for text in sentences[place + 1 : place + 4] if text.startswith("  ")]) == 3


EVERY_SENTENCE = """
    head line public everyone entitled segment others band zero unknown example example_review note missing
    effort_from deadline extension accounting accounting_note rounding_up
    face_value recipients recipients_unknown cap budget_amount
    voucher_amount cap_per_person outage_hours
    days hours multiple from_minutes fee_credit_amount credit_example statutory
"""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_of_line_and_every_term_is_explained(lang: str) -> None:
    policy = load_policy(DOCS / "every-key.toml")
    assert {line.kind for line in policy.lines} == {"schedule", "in_kind", "voucher", "fee_credit", "budget"}
    sentences = explain(policy, lang)
    found = {key for key in phrases(lang) for text in sentences if parts(lang, key, text) is not None}
    assert set(EVERY_SENTENCE.split()) <= found


OURS_IN_LATIN = {"claimant_type", "service", "GBP", "every", "after"}
"""Names of dimensions, of the currency and of keys: as the page and the claims write them."""


def test_the_korean_text_has_no_english_word_of_ours() -> None:
    path = DOCS / "every-key.toml"
    policy = load_policy(path)
    ids_ = {policy.id, *(line.id for line in policy.lines), policy.loss_unit}
    values = {v for line in policy.lines for group in line.eligibility.values() for v in group}
    facts = set(re.findall(r'"([A-Z][A-Z0-9]+-[\w.-]+)"', path.read_text("utf-8")))
    for sentence in explain(policy, "ko"):
        rest = sentence
        for known in sorted({*ids_, *values, *facts, *OURS_IN_LATIN}, key=len, reverse=True):
            rest = rest.replace(known, "")
        assert re.findall(r"[A-Za-z]{2,}", rest) == [], sentence


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("word", ["a\nb", "a\rb", "\x1b[31mred", "a\u2028b"])
def test_a_note_of_several_lines_stays_one_sentence(lang: str, word: str) -> None:
    policy = policy_of({**SOUND, "note": word, "name": {"en": word}})
    for sentence in explain(policy, lang):
        assert len(sentence.splitlines()) <= 1
        assert sentence.isprintable()


def test_words_in_braces_are_words() -> None:
    policy = policy_of({**SOUND, "note": "{name} {0.__class__} %s", "name": {"en": "{x}"}})
    text = "\n".join(explain(policy))
    assert "{name} {0.__class__} %s" in text
    assert "{x} (line-0)" in text


# --- edges as their author wrote them ----------------------------------------------------------------

SAID = {
    ("lower", "en"): ["under 12", "from 12 to under 24", "from 24"],
    ("upper", "en"): ["up to 12", "over 12 up to 24", "over 24"],
    ("lower", "ko"): ["12 미만", "12 이상 24 미만", "24 이상"],
    ("upper", "ko"): ["12 이하", "12 초과 24 이하", "24 초과"],
}


def by_the_hour(closed: str, unit: str = "hours") -> Policy:
    edges = ({"over": 0, "up_to": 12}, {"over": 12, "up_to": 24, "fixed": 500}, {"over": 24, "fixed": 900})
    return policy_of({"closed": closed, "band": edges}, loss_unit=unit)


@pytest.mark.parametrize(("closed", "lang"), SAID)
def test_a_rule_from_12_hours_is_not_explained_as_over_11(closed: str, lang: str) -> None:
    policy = by_the_hour(closed)
    told = [found["band"] for said in explain(policy, lang) if (found := parts(lang, "band", said))]
    assert told == SAID[closed, lang]
    (row,) = policy.card(lang).tables[0].rows
    for band in SAID[closed, lang]:
        with_unit = f"{band} hours" if lang == "en" else re.sub(r"\d+", lambda edge: f"{edge[0]}시간", band)
        assert f"{with_unit}: " in row[2]


def test_money_has_the_edges_of_its_author_in_the_smallest_unit() -> None:
    told = {
        closed: [
            found["band"]
            for said in explain(by_the_hour(closed, unit="EUR"))
            if (found := parts("en", "band", said))
        ]
        for closed in ("lower", "upper")
    }
    assert told == {
        "lower": ["under 0.12", "from 0.12 to under 0.24", "from 0.24"],
        "upper": ["up to 0.12", "0.13 to 0.24", "over 0.24"],
    }


def test_a_band_that_starts_at_the_first_whole_hour_is_not_any_loss() -> None:
    edges = ({"over": 0, "up_to": 1}, {"over": 1, "fixed": 500})
    policy = policy_of({"closed": "lower", "band": edges}, loss_unit="hours")
    assert any("Losses from 1 hours:" in said for said in explain(policy))
