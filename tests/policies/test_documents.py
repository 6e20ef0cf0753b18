"""A page that is wrong, hostile or contradicts itself is refused in one line that says where."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import date
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from outage_analysis.costs import exact_costs
from outage_analysis.costs.benefits import reconciliation_table
from outage_analysis.errors import UsageError
from outage_analysis.incidents import NEGATIVE, UNKNOWN, ZERO
from outage_analysis.policies import PolicyExplainer, explain, findings, load_policy
from outage_analysis.policies.cost_lines import MAX_STEPS
from outage_analysis.text import LANGUAGES, Locale
from tests.conftest import Edited
from tests.costs.test_payouts import Page, owed, policy_of, rich_lines, turning_points
from tests.loss_cubes import counts
from tests.policies.policy_documents import (
    DAY,
    EVERYBODY,
    FLAT,
    HEAD,
    LATER,
    Written,
    ends,
    on_its_own,
    toml,
    written,
)

# --- what is wrong with a page, and where ----------------------------------------------------------

GOOD = f"""{HEAD}
[[line]]
id = "cash"
kind = "schedule"
name = {{ en = "Cash" }}
public_on = 2022-12-29
effort = "form"
deadlines = [
  {{ announced_on = 2022-12-29, closes = 2023-01-31 }},
  {{ announced_on = 2023-01-30, closes = 2023-02-28 }},
]

  [[line.band]]
  over = 0
  up_to = 300
  fixed = 30

  [[line.band]]
  over = 300
  rate = {{ amount = 5, every = 60 }}
  limit = 500

[[line]]
id = "fund"
kind = "budget"
name = {{ en = "Fund" }}
effort = "automatic"
amount = 900

[[tie_out]]
id = "sum"
name = {{ en = "Sum" }}
kind = "sum"
of = ["CL-13"]
printed_value = 8_461
tolerance = 1
unit = "cases"
"""
WHOLE, JOIN = (
    "Write a whole number, without quotes.",
    "Make the first band start at 0, and the next one where the last one ends.",
)
INTEGER, NOT_BELOW, MISSING = "valid integer", "greater than or equal to 0", "a required key is missing"
NO_DATE, PATTERN = "is not a date", "string should match pattern"
CASH, FUND = '[[line]]\nid = "cash"', '[[line]]\nid = "fund"'
FIXED, SHARE = "line 'cash' > band 1 > fixed", "line 'cash' > band 1 > share"
CLOSES = "line 'cash' > deadlines 2 > closes"
WRONG: list[tuple[str, str, str, str, str, object, str]] = [
    # what is replaced, and by what; the text of the line that is named; the key; what is said; the value;
    # the remedy
    ("fixed = 30", "fixed = 30.0", "fixed = 30.0", FIXED, INTEGER, 30.0, WHOLE),
    ("fixed = 30", "fixed = true", "fixed = true", FIXED, INTEGER, True, WHOLE),
    ("fixed = 30", 'fixed = "30"', 'fixed = "30"', FIXED, INTEGER, "30", WHOLE),
    ("fixed = 30", "fixed = -1", "fixed = -1", FIXED, NOT_BELOW, -1, ""),
    ("fixed = 30", "fixed = nan", "fixed = nan", FIXED, INTEGER, None, WHOLE),
    ("fixed = 30", "fixed = 1_000_000_000_001", "fixed = 1_0", FIXED,
     "less than or equal to 1000000000000", 10**12 + 1, ""),
    ("fixed = 30", "share = 2", "share = 2", SHARE, "not between 0 and 1", 2, ""),
    ("fixed = 30", "share = true", "share = true", SHARE, "not between 0 and 1", True,
     "Write a share as 0.25"),
    ("fixed = 30", "share = inf", "share = inf", SHARE, "not between 0 and 1", math.inf, ""),
    ("fixed = 30", "fixd = 30", "fixd = 30", "line 'cash' > band 1 > fixd", "unknown key", None,
     "Did you mean 'fixed'?"),
    ("amount = 5,", "amount = 0,", "rate = {", "line 'cash' > band 2 > rate > amount", "greater than 0", 0,
     ""),
    ("every = 60", "every = 60.5", "rate = {", "line 'cash' > band 2 > rate > every", INTEGER, 60.5, WHOLE),
    ("every = 60", "roundup = true", "rate = {", "line 'cash' > band 2 > rate > roundup", "unknown key", None,
     "Did you mean 'round_up'?"),
    ("amount = 5, ", "", "rate = {", "line 'cash' > band 2 > rate > amount", MISSING, None,
     "Add it."),
    ("  over = 300\n", "", "[[line.band]]\n  rate", "line 'cash' > band 2 > over", MISSING, None,
     "Add it."),
    ("over = 300", "over = 299", CASH, "line 'cash'", "two bands overlap", None,
     JOIN),
    ("over = 300", "over = 301", CASH, "line 'cash'", "there is a gap", None,
     JOIN),
    ("2022-12-29\neffort", '"2022-12-29"\neffort', 'public_on = "', "line 'cash' > public_on", NO_DATE,
     "2022-12-29", ""),
    ("2022-12-29\neffort", "2022-12-29T00:00:00Z\neffort", "public_on = ", "line 'cash' > public_on",
     "is not a date; write it bare, as in 2022-12-29", None, ""),
    ("closes = 2023-02-28", "closes = 2023-02-28T00:00:00", "deadlines = [", CLOSES,
     NO_DATE, None, ""),
    ("closes = 2023-02-28", 'closes = "soon"', "deadlines = [", CLOSES,
     NO_DATE, "soon", ""),
    ("closes = 2023-02-28", "closes = 2023-01-31", CASH, "line 'cash'",
     "an extension that closes no later", None, ""),
    ('kind = "budget"', 'kind = "gift"', FUND, "line 'fund'", "'gift'", None, ""),
    ('kind = "budget"\n', "", FUND, "line 'fund'", "kind", None, ""),
    ('effort = "automatic"', 'effort = "none"', 'effort = "none"', "line 'fund' > effort",
     "'automatic', 'one_tap', 'form' or 'documents'", "none", ""),
    ("amount = 900", "amount = -900", "amount = -900", "line 'fund' > amount", NOT_BELOW, -900, ""),
    ("amount = 900", "amount = 9.5", "amount = 9.5", "line 'fund' > amount", INTEGER, 9.5, WHOLE),
    ("amount = 900", "amount = true", "amount = true", "line 'fund' > amount", INTEGER, True, WHOLE),
    ("amount = 900", "amount = -1", "amount = -1", "line 'fund' > amount", NOT_BELOW, -1, ""),
    ('currency = "EUR"', 'currency = "euro"', "currency = ", "currency", PATTERN, "euro", ""),
    ('currency = "EUR"', "currency = 978", "currency = ", "currency", "valid string", 978, ""),
    ("amount = 900", 'facts = "PR-08"', 'facts = "PR-08"', "line 'fund' > facts", "", None, ""),
    ('loss_unit = "EUR"\n', "", "", "loss_unit", MISSING, None, "Add it."),
    ('id = "p"', 'id = "../p"', "id = ", "id", PATTERN, "../p", ""),
    ('id = "fund"', 'id = "cash"', "", "", "two lines or tie-outs have the id cash", None, ""),
    ('of = ["CL-13"]', 'of = ["CL-13"]\nlines = ["cush"]', "", "",
     "the tie-out sum names a line that is not there",
     None, ""),
    ("tolerance = 1", "tolerance = nan", "tolerance = nan", "tie_out 'sum' > tolerance", "", None, ""),
    ("tolerance = 1", "tolerance = inf", "tolerance = inf", "tie_out 'sum' > tolerance", "", None, ""),
    ("tolerance = 1", "tolerance = -1", "tolerance = -1", "tie_out 'sum' > tolerance", "", None, ""),
    ("tolerance = 1", "scale = inf", "scale = inf", "tie_out 'sum' > scale", "", None, ""),
    ("printed_value = 8_461", "printed_value = nan", "printed_value = nan",
     "tie_out 'sum' > printed_value", "",
     None, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "at", "key", "says", "value", "remedy"),
    WRONG,
    ids=[(new or f"no {old}").strip() for old, new, *_ in WRONG],
)
def test_a_document_that_is_wrong_is_refused_by_file_line_key_value_and_remedy(
    write_document: Written, old: str, new: str, at: str, key: str, says: str, value: object, remedy: str
) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    with pytest.raises(UsageError) as refusal:
        load_policy(write_document(text))
    error = refusal.value
    assert (error.exit_code, error.file) == (2, "page.toml")
    assert says in error.problem
    assert (error.column or "") == (key or "the document")
    assert error.line == (text[: text.index(at)].count("\n") + 1 if at else None)
    assert value is None or error.value == value
    assert error.remedy.startswith(remedy)
    assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "key"), [({"id": "band"}, "line 'band' > band"), ({"note": "band"}, "line 'line-0' > band")]
)
def test_a_missing_key_is_named_even_where_a_value_reads_like_it(
    write_document: Written, line: Page, key: str
) -> None:
    with pytest.raises(UsageError, match="a required key is missing") as refusal:
        load_policy(write_document(toml(line)))
    assert refusal.value.column == key


def test_two_mistakes_are_counted(write_document: Written) -> None:
    text = GOOD.replace("fixed = 30", "fixed = -1").replace("limit = 500", "limit = -1")
    with pytest.raises(UsageError, match=r"\(and 1 more\)"):
        load_policy(write_document(text))
    with pytest.raises(UsageError) as refusal:
        load_policy(write_document(toml({"band": [{"over": 0, "fixed": -1}]})))
    assert "more)" not in str(refusal.value)


# --- hostile pages ---------------------------------------------------------------------------------

LINE = HEAD + '[[line]]\nid = "a"\nkind = "schedule"\nname = { en = "A" }\neffort = "form"\n'
BAND = "band = [{ over = 0 }]\n"


def many_segments() -> str:
    """Two thousand tariffs, each of almost as many steps as one policy may have."""
    line = LINE.removeprefix(HEAD).replace('"a"', '"aN"') + BAND
    segment = '[[line.segment]]\nid = "sN"\nwhen = { service = ["xN"] }\n'
    segment += "band = [{ over = 0, rate = { amount = 1, every = 10_000 }, limit = 1_990 }]\n"
    fifty = "".join(segment.replace("N", str(n)) for n in range(50))
    return HEAD + "".join(line.replace("aN", f"a{n}") + fifty for n in range(40))


def dear_to_parse() -> str:
    """A wrong key above keys that are slow to parse and lists of almost a hundred lines."""
    dotted = ".".join(["a"] * 480)
    lists = "".join(f"s{n} = [\n" + '"",\n' * 97 + "]\n" for n in range(22))
    return LINE + BAND + "".join(f"k{n}.{dotted} = 1\n" for n in range(88)) + lists


@cache
def hostile_documents() -> dict[str, tuple[str | bytes, str]]:
    """Pages that mean harm, each with what its refusal says."""
    dotted = ".".join(["a"] * 480)
    steps = "[{ over = 0, rate = { amount = 1, every = 10_000 }, limit = 1_990 }]\n"
    return {
        "a million edges": (
            f"{LINE}band = [\n" + "{over=1},\n" * 1_000_000 + "]\n",
            "is larger than 500,000 bytes",
        ),
        "as many edges as fit": (
            f"{LINE}band = [\n" + "".join(f"{{over={n},up_to={n + 1}}},\n" for n in range(20_000)) + "]\n",
            "2000",
        ),
        "2,001 bands": (
            f"{LINE}band = [\n"
            + "".join(f"{{over={n},up_to={n + 1},fixed={n}}},\n" for n in range(MAX_STEPS))
            + f"{{over={MAX_STEPS}}},\n]\n",
            "2000",
        ),
        "deep arrays": (f"{LINE}x = " + "[\n" * 100_000 + "]\n" * 100_000, "is not valid TOML"),
        "deep arrays on long lines": (LINE + "x = " + ("[" * 900 + "\n") * 500, "is not valid TOML"),
        "deep tables": (LINE + "x = " + "{a=" * 300 + "1" + "}" * 300, ""),
        "dotted keys": (LINE + "".join(f"{dotted}.b{n} = 1\n" for n in range(200)), "unknown key"),
        "dotted keys apart": (LINE + "".join(f"k{n}.{dotted} = 1\n" for n in range(200)), "unknown key"),
        "dotted tables": (LINE + BAND + "".join(f"[{dotted}.b{n}]\n" for n in range(200)), "unknown key"),
        "an integer of 5,000 digits": (f"{LINE}{BAND}x = {'9' * 5_000}\n", "longer than 1,000 characters"),
        "an amount of 900 digits": (
            f"{LINE}band = [{{ over = 0, fixed = {'9' * 900} }}]\n", "less than or equal"
        ),
        "a share of 900 digits": (f"{LINE}band = [{{ over = 0, share = 0.{'1' * 900} }}]\n", "four places"),
        "an edge of nan": (f"{LINE}band = [{{ over = nan }}]\n", "valid integer"),
        "an edge of inf": (
            f"{LINE}band = [{{ over = 0, up_to = inf }}, {{ over = inf }}]\n",
            "valid integer",
        ),
        "an endless exponent": (
            f"{LINE}band = [{{ over = 0, share = 1e999999999 }}]\n",
            "not between 0 and 1",
        ),
        "a day that is none": (f"{LINE}public_on = 2022-02-30\n{BAND}", "is not valid TOML"),
        "a year of five digits": (f"{LINE}public_on = 20222-02-03\n{BAND}", "is not valid TOML"),
        "endless periods": (
            f"{LINE}band = [{{ over = 0, rate = {{ amount = 1, every = 2 }} }}]\n",
            "2,000 losses",
        ),
        "a far limit": (
            f"{LINE}band = [{{ over = 0, rate = {{ amount = 1, every = 2 }}, limit = 1_000_000_000_000 }}]\n",
            "2,000 losses",
        ),
        "many steps on other losses": (
            HEAD
            + "".join(
                f'[[line]]\nid = "a{n}"\nkind = "schedule"\nname = {{ en = "A" }}\neffort = "form"\n'
                 "band = " + steps.replace("10_000", f"10_00{n}")
                for n in range(3)
            ),
            "more than 2,000",
        ),
        "a path for a key": (f'{LINE}"../../../etc/passwd" = 1\n{BAND}', "../../../etc/passwd: unknown key"),
        "code for a key": (f"{LINE}\"__import__('os').system('true')\" = 1\n{BAND}", "unknown key"),
        "a template for a key": (f'{LINE}"{{0.__class__.__mro__}}" = "{{x}}"\n{BAND}', "unknown key"),
        "a terminal's codes for a key": (
            f'{LINE}"\\u001b[2J\\n\\r" = 1\n{BAND}',
            r"\x1b[2J\n\r: unknown key",
        ),
        "an attribute for a key": (f"{LINE}__dict__ = 1\nmodel_config = 2\n{BAND}", "unknown key"),
        "an alias's own name": (f"{LINE}bands = [{{ over = 0 }}]\n", "unknown key"),
        "a path for an id": (LINE.replace('"a"', '"../../a"') + BAND, "match pattern"),
        "a path for a fact": (LINE + BAND + f'facts = ["{"x" * 65}"]\n', "at most 64 characters"),
        "a page too large": (LINE + BAND + "# comment\n" * 50_000, "is larger than 500,000 bytes"),
        "a line too long": (
            f"{LINE}{BAND}# {'x' * 1_000}\n",
            "a line is longer than 1,000 characters. Break it up.",
        ),
        "201 lines": (HEAD + (LINE.removeprefix(HEAD) + BAND) * 201, "200"),
        "51 segments": (
            LINE + BAND + "".join(
                f'[[line.segment]]\nid = "s{n}"\nwhen = {{ service = ["x"] }}\n{BAND}' for n in range(51)
            ),
            "50",
        ),
        "fifty thousand unknown keys": (
            LINE + BAND + "".join(f"{n:05}=1\n" for n in range(50_000)), "unknown key"
        ),
        "no text": (b"\xff\xfe\x00", "is not UTF-8 at byte 0"),
        "a null": (f"{LINE}{BAND}\x00", "is not valid TOML"),
        "an empty page": ("", "a required key is missing"),
        "a key twice": (f"{LINE}{BAND}{BAND}", "is not valid TOML"),
        "a list for a page's line": (f"{HEAD}line = [[[]]]\n", ""),
        "two thousand tariffs": (many_segments(), ""),
        "slow to parse": (dear_to_parse(), "unknown key"),
        "lines in a table": (f"{HEAD}[line]\nid = 1\n", "line: "),
    }  # fmt: skip


HOSTILE = list(hostile_documents())
CHECK_EACH = """
import contextlib, io, json, signal, sys
from outage_analysis.cli import main
def hang(*_): raise TimeoutError
signal.signal(signal.SIGALRM, hang)
results = {}
for path in sys.argv[1:]:
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["outage-analysis", "policies", "check", path]
    signal.alarm(60)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try: code = main()
        except SystemExit as stop: code = stop.code
        except BaseException as error: code = repr(error)[:200]
    signal.alarm(0)
    results[path] = [code, out.getvalue(), err.getvalue()]
print(json.dumps(results))
"""
"""Checks page after page as the command does; a page that takes a minute hangs."""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """What the command says of each hostile page: exit code, results, trouble."""
    folder, names = tmp_path_factory.mktemp("hostile"), {}
    for number_, (name, (text, _)) in enumerate(hostile_documents().items()):
        path = folder / f"page-{number_}.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        names[str(path)] = name
    done = subprocess.run(
        [sys.executable, "-c", CHECK_EACH, *names], capture_output=True, text=True, check=True, timeout=300
    )
    return {names[path]: verdict for path, verdict in json.loads(done.stdout).items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_in_one_line(
    name: str, verdicts: dict[str, tuple[int, str, str]]
) -> None:
    code, out, err = verdicts[name]
    assert (code, out) == (2, ""), err
    assert err.startswith("error: page-")
    assert err.count("\n") == 1
    assert err[:-1].isprintable()
    assert len(err) < 1_500
    assert hostile_documents()[name][1] in err


@given(page=rich_lines(), lang=st.sampled_from(LANGUAGES))
@settings(max_examples=60)
def test_whatever_is_accepted_can_be_explained_and_checked(page: Page, lang: str) -> None:
    policy = policy_of(page)
    assert all(isinstance(sentence, str) for sentence in explain(policy, lang))
    assert all(policy.locale(lang).has_label(f"finding.kind_{kind}") for kind in findings(policy)["finding"])


# --- what contradicts itself -----------------------------------------------------------------------

TWICE = [
    ({"deadlines": [{"announced_on": LATER, "closes": DAY}]}, "before it was announced"),
    (
        {
            "deadlines": [
                {"announced_on": DAY, "closes": LATER},
                {"announced_on": DAY, "closes": date(2031, 1, 1)},
            ]
        },
        "says two things from the same day on",
    ),
    (
        {"effort_changes": [{"since": LATER, "effort": "form"}, {"since": LATER, "effort": "documents"}]},
        "says two things from the same day on",
    ),
]


@pytest.mark.parametrize(("terms", "says"), TWICE, ids=[says for _, says in TWICE])
def test_days_that_contradict_each_other_are_refused(write_document: Written, terms: Page, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load_policy(write_document(toml({"band": [{"over": 0, "fixed": 5}], **terms})))


@pytest.mark.parametrize("unit", ["minutes", "days", "USD"])
def test_a_share_of_what_is_not_the_policys_money_is_refused(write_document: Written, unit: str) -> None:
    line = {"band": [{"over": 0, "share": 0.5}]}
    text = toml(line).replace('loss_unit = "EUR"', f'loss_unit = "{unit}"')
    with pytest.raises(UsageError, match=f"pays a share of a loss in {unit}") as refusal:
        load_policy(write_document(text))
    assert "rate" in refusal.value.remedy


def test_a_line_whose_effort_was_not_published_has_bounds_only() -> None:
    policy = policy_of({"kind": "budget", "amount": 9, "effort": None})
    row = exact_costs(policy, None, as_of=DAY).row(0, named=True)
    assert ends(row) == [9, 0, None, 9]
    assert any("not published" in sentence for sentence in explain(policy))


@pytest.mark.parametrize(("count", "says"), [(2, "twice"), (51, "at most 50")])
@pytest.mark.parametrize("key", ["of", "lines"])
def test_a_sum_counts_nothing_twice_and_has_an_end(
    write_document: Written, key: str, count: int, says: str
) -> None:
    tie: Page = {"id": "t", "name": {"en": "T"}, "kind": "payments", "printed_value": 1, "unit": "EUR"}
    tie |= {"of": ["CL-13"], "lines": ["line-0"]}
    tie[key] *= count
    text = "".join(f"{k} = {written(v)}\n" for k, v in tie.items())
    with pytest.raises(UsageError, match=says):
        load_policy(write_document(f"{toml(FLAT)}\n[[tie_out]]\n{text}"))


def test_a_band_that_nobody_fell_into_costs_nothing_even_under_review() -> None:
    policy = policy_of({"band": tuple(FLAT["band"])})
    claims = counts(("x", "x", 0, 9, 3), ("x", "x", 9, None, 0))
    table = exact_costs(policy, None, as_of=DAY, cubes=[claims]).filter(level="line")
    assert table["high"].item() == 15


def test_a_sum_that_came_out_later_is_named_and_not_reported() -> None:
    policy = policy_of({"kind": "budget", "amount": "CO-16"}, currency="KRW", loss_unit="KRW")
    words = Locale("en", "KRW")
    told = [
        PolicyExplainer(policy, words, day).payment_summary(policy.lines[0])
        for day in (date(2023, 5, 10), date(2023, 5, 11))
    ]
    assert told == ["CO-16", "3,000,000,000 won (CO-16)"]


def test_a_sum_that_rests_on_a_later_line_or_a_later_fact_is_hindsight() -> None:
    good = {"kind": "in_kind", "face_value": 5, "recipients": EVERYBODY}
    tie: Page = {"id": "t", "name": {"en": "T"}, "kind": "face_value", "lines": ("line-0",), "unit": "EUR"}
    tie["printed_value"] = 1.0
    for line, hindsight in (
        ({**good, "public_on": DAY}, False),
        ({**good, "public_on": LATER}, True),
        ({**good, "public_on": DAY, "recipients": "PG-01"}, True),  # three sets, a fact of January 2023
    ):
        policy = policy_of(line, tie_out=(tie,))
        assert reconciliation_table(policy.tie_outs, policy, as_of=DAY)["hindsight"].item() is hindsight


# --- more generous is never cheaper, a larger loss is never paid less ------------------------------


@pytest.mark.slow
@given(page=rich_lines())
@settings(max_examples=150)
def test_the_pieces_of_a_tariff_hold_each_loss_once_and_pay_what_the_document_owes(page: Page) -> None:
    for number, (_, tariff) in enumerate(policy_of(page).schedules[0].tariffs):
        unknown, negative, zero, *positive = (piece.band for piece in tariff.pieces)
        assert (unknown, negative, zero) == (UNKNOWN, NEGATIVE, ZERO)
        assert (positive[0][0], positive[-1][1]) == (0, None)
        for (_, end), (starts, top) in pairwise(positive):
            assert end == starts
            assert top is None or top > (starts or 0)
        alone = on_its_own(page, number)
        turns = {*tariff.cuts, *turning_points(alone)}
        near = {turn + step for turn in turns for step in (-1, 0, 1)} - {-1}
        for loss in {0, *near, 10**15, 10**18}:  # one claimant's losses may add up to more than a loss
            assert tariff.pay(loss) == owed(alone, loss), loss
        assert tariff.pay(None) == owed(alone, None)
        assert tariff.pay(-1) == 0


# --- what has too many steps is refused, with the remedy -------------------------------------------

ENDLESS: st.SearchStrategy[tuple[Page, ...]] = st.one_of(
    st.builds(  # periods without an end
        lambda amount, every, after: (
            {"band": [{"over": 0, "rate": {"amount": amount, "every": every, "after": after}}]},
        ),
        st.integers(1, 10**12),
        st.integers(2, 10**11),
        st.integers(0, 10**12),
    ),
    st.builds(  # periods as long as the limit lets them, or the edge
        lambda every, end: (
            {
                "band": [
                    {"over": 0, "up_to": every * 2_100, "rate": {"amount": 9, "every": every}, **end},
                    {"over": every * 2_100},
                ]
            },
        ),
        st.integers(2, 10**9),
        st.sampled_from([{}, {"limit": 9 * 2_050}]),
    ),
    st.builds(  # three lines of 900 steps, each on losses of its own
        lambda every: tuple(
            {"band": [{"over": 0, "rate": {"amount": 1, "every": every, "after": n}, "limit": 900}]}
            for n in (0, 1, 2)
        ),
        st.integers(3, 10**9),
    ),
    st.builds(  # the same in segments of one line
        lambda every: (
            {
                "band": [{"over": 0}],
                "segment": [
                    {
                        "id": f"s{n}",
                        "when": {"service": [f"x{n}"]},
                        "band": [
                            {"over": 0, "rate": {"amount": 1, "every": every, "after": n}, "limit": 900}
                        ],
                    }
                    for n in (0, 1, 2)
                ],
            },
        ),
        st.integers(3, 10**9),
    ),
)


@pytest.mark.slow
@given(lines=ENDLESS)
@settings(max_examples=120)
def test_a_document_of_too_many_steps_is_refused_with_what_to_do(
    write_document: Written, lines: tuple[Page, ...]
) -> None:
    with pytest.raises(UsageError, match=r"more than 2,000 losses|at most 2,000") as refusal:
        load_policy(write_document(toml(*lines)))
    assert refusal.value.remedy.startswith("Lengthen the period")


def test_as_many_steps_as_are_allowed_are_allowed(write_document: Written) -> None:
    last = {"over": 0, "rate": {"amount": 1, "every": 10}, "limit": MAX_STEPS - 1}
    policy = load_policy(write_document(toml({"band": [last]})))
    assert len(policy.breakpoints) == MAX_STEPS - 1
    assert policy.schedules[0].tariff.pay(10 * MAX_STEPS) == MAX_STEPS - 1


@pytest.mark.parametrize("closed", ["upper", "lower"])
def test_edges_are_as_they_are_written_whichever_side_is_closed(edited: Edited, closed: str) -> None:
    policy = load_policy(edited("policies", 'closed = "upper"', f'closed = "{closed}"'))
    assert policy.edges == (300_000, 500_000)
    assert load_policy("kt-2021").edges == ()  # without a schedule


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (
            ["over = 300_000", "over = 400_000"],
            "line 'small-business-cash': there is a gap: no band covers losses over 300,000 up to 400,000.",
        ),
        (
            ["over = 300_000", "over = 200_000"],
            "line 'small-business-cash': two bands overlap on losses over 200,000 up to 300,000",
        ),
        (["over = 0", "over = 1"], "there is a gap: no band covers losses over 0 up to 1"),
        (
            ["over = 500_000", "over = 500_000\nup_to = 900_000"],
            "the last band ends at 900,000: larger losses have no rule",
        ),
        (
            ["up_to = 500_000", f"up_to = {10**15 + 1}", "over = 500_000", f"over = {10**15 + 1}"],
            "band 2 > up_to: input should be less than or equal to 1000000000000000",
        ),
        (
            ["review = true", "review = true\nfixed = 1"],
            "band 3: a reviewed band has no fixed payment, share, rate, floor or limit",
        ),
        (["review = true", "review = true\nshare = 0.5"], "band 3: a reviewed band has no fixed"),
        (['closed = "upper"', 'closed = "both"'], "closed: input should be 'upper' or 'lower'"),
        (
            ['{ claimant_type = ["small_business"] }', "{ claimant_type = [] }"],
            "eligibility > claimant_type: tuple should have at least 1 item",
        ),
        (
            ['closed = "upper"', 'closed = "upper"\nunknown = { share = 0.5 }'],
            "pays a share of an unknown loss",
        ),
    ],
)
def test_bands_that_break_a_rule_are_refused(edited: Edited, pairs: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        load_policy(edited("policies", *pairs))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("written", "held"), [("0.25", 2500), ("0.3333", 3333), ("1", 10_000), ("1.0", 10_000)]
)
def test_a_share_of_at_most_four_places_is_held_exactly(edited: Edited, written: str, held: int) -> None:
    line = load_policy(edited("policies", "fixed = 30_000", f"share = {written}")).schedules[0]
    assert line.bands[0].share == held


@pytest.mark.parametrize(
    "written", ["0.33333", "1.1", "-0.1", "25", "inf", "-inf", "nan", "1e-5", "true", '"0.25"', "9" * 400]
)
def test_any_other_share_is_refused_by_its_key(edited: Edited, written: str) -> None:
    with pytest.raises(UsageError) as refusal:
        load_policy(edited("policies", "fixed = 30_000", f"share = {written}"))
    assert "line 'small-business-cash' > band 1 > share: is not " in str(refusal.value)
