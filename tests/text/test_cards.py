"""What nouns show of themselves, in a notebook and in a terminal; and tables as text, of any width."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import Ledger
from outage_analysis.claims import Claims, read_claims
from outage_analysis.incidents import Incident
from outage_analysis.losses import Fits, SeverityFit, fit_all, load_grouped
from outage_analysis.policies import Policy
from outage_analysis.text import LANGUAGES, MAX_CARD_ROWS, Card, Displayable, Locale, Table, wrap_text
from outage_analysis.text.display import LONGEST_CELL, WIDTH
from tests.conftest import claim_rows

EVIL = "</td><script>alert(1)</script>\x1b[31m\u202e"
NOUNS = ("analysis", "claims", "fit", "fits", "ledger", "policy")
TAGS = {"p", "br", "strong", "em", "div", "table", "thead", "tbody", "tr", "th", "td"}
REJECTED = 40


@pytest.fixture(scope="module")
def claims(incident: Incident, tmp_path_factory: pytest.TempPathFactory) -> Claims:
    """One claim, and rejects of which each says something that must not be shown as it is, or harms."""
    losses = ["100000", EVIL, "010-1234-5678", "홍길동", *["-"] * (REJECTED - 3)]
    rows = claim_rows([{"loss": loss} for loss in losses], incident)
    path = tmp_path_factory.mktemp("cards") / "complaints.csv"
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines), "utf-8")
    return read_claims(path, incident, max_rejects=1)


@pytest.fixture(scope="module")
def fits() -> Fits:
    dental = load_grouped("dental-claims")
    return fit_all(dental.edges, dental.counts, top=dental.top, families=["lognormal", "lomax"])


@pytest.fixture(scope="module")
def nouns(
    analysis: Analysis, claims: Claims, fits: Fits, ledger: Ledger, policy: Policy
) -> dict[str, Displayable]:
    shown = (analysis, claims, fits["lomax"], fits, ledger, policy)
    return dict(zip(NOUNS, shown, strict=True))


def texts(card: Card) -> list[str]:
    """Everything that a card says."""
    cells = [c for t in card.tables for c in (t.caption, t.more, *t.heads, *(c for r in t.rows for c in r))]
    return [card.title, *card.lines, *cells, *card.notes]


# --- every noun ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", NOUNS)
def test_a_noun_fits_into_a_terminal(nouns: dict[str, Displayable], name: str, lang: str) -> None:
    lines = repr(nouns[name].card(lang)).split("\n")
    assert [line for line in lines if line != line.rstrip() or cell_len(line) > WIDTH] == []
    assert 5 < len(lines) < 80
    assert max(len(table.rows) for table in nouns[name].card(lang).tables) <= MAX_CARD_ROWS


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", NOUNS)
def test_the_markup_of_a_noun_is_plain_and_loads_nothing(
    nouns: dict[str, Displayable], name: str, lang: str
) -> None:
    markup = nouns[name].card(lang)._repr_html_()
    assert set(re.findall(r"</?(\w+)", markup)) <= TAGS
    assert set(re.findall(r" ([\w-]+)=", re.sub(">[^<]*<", "><", markup))) <= {"class", "tabindex"}
    assert len(markup) < 20_000


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", NOUNS)
def test_markup_and_terminal_say_the_same(nouns: dict[str, Displayable], name: str, lang: str) -> None:
    card = nouns[name].card(lang)
    page = unescape(re.sub(r"<[^>]+>", "\n", card._repr_html_())).split("\n")
    terminal = "".join(repr(card).split())
    said = [text for text in texts(card) if text and len(text) < LONGEST_CELL and text.isprintable()]
    assert [text for text in said if text not in page] == []
    for text in (card.title, *card.lines, *card.notes):
        assert "".join(text.split()) in terminal


@pytest.mark.parametrize("name", NOUNS)
def test_a_noun_speaks_korean(nouns: dict[str, Displayable], name: str) -> None:
    card = nouns[name].card("ko")
    heads = [head for table in card.tables for head in table.heads if head not in ("P10", "P50", "P90")]
    said = [card.title, *card.lines, *card.notes, *heads, *filter(None, (t.more for t in card.tables))]
    assert [text for text in said if not re.search("[가-힣]", text)] == []


# --- what each says -----------------------------------------------------------------------------------


def test_an_analysis_with_a_budget_says_the_chance_of_breaking_it(made: Analysis) -> None:
    row = made.tables["budget"].row(0, named=True)
    assert Locale("en").share(row["exceeded"]) in made.card().notes[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_synthetic_rows_say_so(analysis: Analysis, claims: Claims, lang: str) -> None:
    mark = Locale(lang)("card.synthetic")
    assert analysis.claims
    assert [mark in one.card(lang).lines for one in (analysis, analysis.claims, claims)] == [
        True,
        True,
        False,
    ]
    made_up, real = (
        fit_all([0, 10, 20, 40], [30, 20, 10], families=["exponential"], top="closed", synthetic=flag).best
        for flag in (True, False)
    )
    assert made_up.card(lang).lines == (Locale(lang)("card.recovered"), *real.card(lang).lines)


@pytest.mark.parametrize(("lang", "counted"), [("en", "(3 characters)"), ("ko", "(3자)")])
def test_of_a_reject_nothing_is_shown_that_may_be_somebodys(claims: Claims, lang: str, counted: str) -> None:
    rejects = claims.card(lang).tables[-1]
    assert (len(rejects.rows), "28" in rejects.more) == (MAX_CARD_ROWS, True)  # 28 more, of 40
    rule = Locale(lang)("rule.loss is an amount that can be read, below 10^15")
    assert [row[1:4] for row in rejects.rows[1:3]] == [("4", rule, "***-****-****"), ("5", rule, counted)]
    everything = repr(claims.card(lang)) + claims.card(lang)._repr_html_()
    assert not re.search("1234|홍길동|alert", everything)


def test_a_fit_shows_its_parameters_and_what_it_expects_of_each_band(fits: Fits) -> None:
    fit: SeverityFit = fits["lomax"]
    parameters, bands = fit.card().tables
    assert [row[0] for row in parameters.rows] == list(fit.params)
    assert [row[1] for row in bands.rows] == [f"{n:,}" for n in fit.grouped.counts]
    assert [row[0] for row in bands.rows][::9] == ["up to 25", "2,500 to 4,000"]


TOTALS = Table(
    ("valuation", "expected", "left_out"),
    (
        ("cash", "189,917,025", "taxi-pro-membership emoticon-plus"),
        ("face_value", "160,686,464,900", ""),
        ("카카오톡 현금", "7", "카카오톡 선물하기"),
    ),
    frozenset({1}),
)


WIDE = [
    " valuation             expected  left_out",
    " " + "─" * 65,
    " cash               189,917,025  taxi-pro-membership emoticon-plus",
    " face_value     160,686,464,900",
    " 카카오톡 현금                7  카카오톡 선물하기",
]
NARROW = [
    *(WIDE[0], " " + "─" * 51, " cash               189,917,025  taxi-pro-membership"),
    *("                                 emoticon-plus", *WIDE[3:]),
]
BLOCKS = [
    *(" valuation: cash", " expected:  189,917,025", " left_out:  taxi-pro-membership"),
    *("            emoticon-plus", "", " valuation: face_value", " expected:  160,686,464,900", ""),
    *(" valuation: 카카오톡 현금", " expected:  7", " left_out:  카카오톡 선물하기"),
]
FIRST = [
    *(" valuation:", "   cash", " expected:", "   189,917,025"),
    *(" left_out:", "   taxi-pro-membership", "   emoticon-plus"),
]


def test_words_are_broken_and_numbers_never_and_without_room_a_grid_becomes_blocks() -> None:
    assert (TOTALS.grid(), TOTALS.grid(52), TOTALS.blocks(40)) == (WIDE, NARROW, BLOCKS)
    assert TOTALS.blocks(24)[:7] == FIRST  # a value without room beside its label is below it
    assert [TOTALS.fits(width) for width in (52, 51, 50)] == [True, True, False]


def test_a_grid_of_tall_rows_is_no_better_than_blocks() -> None:
    number = "1," * 12 + "1"
    short, long = (
        Table(("text", "n"), ((text, number),), frozenset({1})) for text in ("word", "word " * 60 + "end")
    )
    assert (short.fits(48), long.fits(48)) == (True, False)
    assert len(long.grid(48)) > len(long.blocks(48)) + 2


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 3, ["one", "two", "thr", "ee"]),
        ("300,000 원 이하", 10, ["300,000 원", "이하"]),
        ("카카오톡", 5, ["카카", "오톡"]),
        ("", 5, [""]),
    ],
)
def test_text_is_wrapped_between_words(text: str, width: int, expected: list[str]) -> None:
    assert wrap_text(text, width) == expected


words = st.text("abcdefgh-가나다라", min_size=1, max_size=30)
numbers = st.one_of(st.just(""), st.integers(-(10**15), 10**15).map("{:,}".format))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Tables of texts and numbers, wide and narrow."""
    kinds = draw(st.lists(st.booleans(), min_size=1, max_size=8))
    text = st.lists(words, max_size=12).map(" ".join)
    cells = [numbers if number else text for number in kinds]
    rows = draw(st.lists(st.tuples(*cells), max_size=5))
    heads = draw(st.tuples(*(words for _ in kinds)))
    return Table(heads, tuple(rows), frozenset(n for n, number in enumerate(kinds) if number))


@given(tables(), st.integers(40, 200))
def test_no_line_is_too_long_and_nothing_is_cut(table: Table, width: int) -> None:
    forms = [table.blocks(width), *([table.grid(width)] if table.fits(width) else [])]
    for lines in forms:
        assert all(cell_len(line) <= width for line in lines)
        found = set(" ".join(lines).split())
        shown = [text for row in table.rows for text in row]
        assert {word for text in shown for word in text.split()} <= found
    assert len(table.grid()) == len(table.rows) + 2
