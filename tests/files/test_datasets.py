"""Pages of TOML: found by id or path, checked key by key, refused on one line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import timedelta, timezone
from pathlib import Path
from pprint import pformat
from typing import TYPE_CHECKING, Any, get_args
from unittest.mock import Mock

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from outage_analysis.assumptions import load_ledger
from outage_analysis.claims import read_claims
from outage_analysis.errors import OutageAnalysisError, UsageError
from outage_analysis.files import (
    Document,
    Kind,
    Name,
    Text,
    bundled_claims,
    bundled_ids,
    data_root,
    document_text,
    likely_typo_of,
    spelling_hint,
)
from outage_analysis.files.documents import MAX_TOML_BYTES, MAX_TOML_LINE, line_of, toml_document
from outage_analysis.incidents import load_incident, load_layout
from outage_analysis.policies import load_policy
from tests.paths import ROOT

if TYPE_CHECKING:
    from tests.conftest import Edited


def refusal_of(page: Path) -> str:
    with pytest.raises(UsageError) as refusal:
        load_policy(page)
    line = str(refusal.value)
    assert len(line.splitlines()) == 1
    return line


def test_every_kind_of_document_has_some() -> None:
    assert {kind: bool(bundled_ids(kind)) for kind in get_args(Kind)} == dict.fromkeys(get_args(Kind), True)
    folders = {path.parent.name for path in data_root().glob("*/*.toml")}
    assert folders - {"forecasts"} == set(get_args(Kind))  # forecasts has one table, which nobody names


def test_there_are_no_bundled_claims_of_another_incident() -> None:
    assert bundled_claims("tram-2031") is None


def test_the_page_of_the_data_names_every_file_and_no_other() -> None:
    root = data_root()
    there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    named = re.findall(
        r"`((?:\w+)/[\w.-]+\.(?:toml|json|csv|parquet))`", (root / "README.md").read_text("utf-8")
    )
    assert {*named} == there - {"README.md"}


def test_the_page_of_the_data_describes_every_column() -> None:
    page, root = (data_root() / "README.md").read_text("utf-8"), data_root()
    claims, published = page.split("## Published facts")
    for text, names in (
        (claims, [n for path in root.glob("claims/*.parquet") for n in pl.read_parquet_schema(path)]),
        (published, [n for path in root.glob("*/*.csv") for n in pl.read_csv(path, infer_schema=False).columns
                     if path.parent.name != "claims"]),
    ):  # fmt: skip
        assert names
        described = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
        assert described == set(names)


def test_the_page_of_the_data_counts_the_rows_of_each_claim_file() -> None:
    page = (data_root() / "README.md").read_text("utf-8")
    files = sorted((data_root() / "claims").iterdir())
    assert len(files) == 3
    for path in files:
        rows = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
        assert f"| `claims/{path.name}` | {len(rows):,} |" in page


def test_the_readable_sample_is_a_hundred_rows_of_the_bundled_file_and_is_never_read_by_itself() -> None:
    bundled = bundled_claims("kakao-2022")
    assert bundled
    assert bundled.name == "kakao-2022-synthetic.parquet"
    sample, whole = bundled.with_name("kakao-2022-synthetic-100.csv"), pl.read_parquet(bundled)
    few = pl.read_csv(sample, schema=whole.schema)
    assert few.equals(whole.gather_every(1_051).head(100))
    assert few["synthetic"].all()
    claims = read_claims(sample, load_incident("kakao-2022"))
    assert (claims.synthetic, claims.rejects.height, claims.to_polars().height) == (True, 0, 100)


@pytest.mark.parametrize(
    "name",
    [
        "../policies/kakao-2022",
        "incidents/kakao-2022",
        "/etc/passwd",
        "KAKAO-2022",
        "kakao-2022\n",
        "kakao\0.toml",
        "",
        " ",
        ".",
        "a" * 5000,
        "a" * 5000 + ".toml",
    ],
)
def test_what_is_neither_an_id_nor_a_document_is_refused_on_one_line(name: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]*no such[^\n]*$"):
        load_incident(name)


@pytest.mark.parametrize("name", ["dir.toml", "page.txt"])
def test_a_directory_or_another_suffix_is_no_document(tmp_path: Path, name: str) -> None:
    (tmp_path / "dir.toml").mkdir()
    (tmp_path / "page.txt").write_text("id = 1")
    assert "no such" in refusal_of(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id = \xff", "is not UTF-8 at byte 5"),
        (b"id = ", "is not valid TOML"),
        (b"id = 'a'\nid = 'b'", "is not valid TOML"),
        (b"id = 2022-13-01", "is not valid TOML"),
        (b"a = " + b"[" * 900, "is not valid TOML"),
        (b"a = " + b"[\n" * 50_000, "is not valid TOML"),
        (b"a = " + b"[" * 50_000, "line 1: a line is longer than 1,000 characters. Break it up."),
        (b"a = " + b"9" * 5_000, "line 1: a line is longer than 1,000 characters"),
        (b"\n\na" + b".a" * 500, "line 3: a line is longer than 1,000 characters"),
        (b"#" * (MAX_TOML_BYTES + 1), "is larger than 500,000 bytes"),
        (b"", "id: a required key is missing"),
    ],
)
def test_a_document_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, message: str) -> None:
    page = tmp_path / "page.toml"
    page.write_bytes(content)
    line = refusal_of(page)
    assert line.startswith("page.toml")
    assert message in line


def test_the_longest_line_and_the_largest_document_are_read(tmp_path: Path) -> None:
    text = (data_root() / "policies" / "kakao-2022.toml").read_bytes()
    longest = b"#" + b"x" * (MAX_TOML_LINE - 1) + b"\n"
    room = MAX_TOML_BYTES - len(text)
    page = tmp_path / "page.toml"
    page.write_bytes(text + longest * (room // len(longest)) + b"#" * (room % len(longest)))
    assert page.stat().st_size == MAX_TOML_BYTES
    assert load_policy(page) == load_policy("kakao-2022")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pairs", "wrong"),
    [
        (("fixed = 30_000", "fixd = 30_000"), "fixd = 30_000"),
        (("fixed = 30_000", "fixed = -1"), "fixed = -1"),
        (('currency = "KRW"', "currency = 410"), "currency = 410"),
        (('{ since = 2023-01-30, effort = "documents"', '{ since = 2023-01-30, effort = "none"'), '"none"'),
        (('id = "games"', 'id = "Games"'), 'id = "Games"'),
        (('kind = "schedule"', 'kind = "tiers"'), "[[line]]"),  # the whole line is of no known kind
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_refusal_names_the_line_of_the_file(
    edited: Edited, pairs: tuple[str, ...], wrong: str, newline: str
) -> None:
    page = edited("policies", *pairs)
    text = page.read_text("utf-8")
    page.write_text(text, "utf-8", newline=newline)
    number = text[: text.index(wrong)].count("\n") + 1
    assert refusal_of(page).startswith(f"policies.toml, line {number}, ")


TOML = """\
a = 1 # b = 2
text = '''
[[line]]
b = 2
'''
[[line]]
long = [
  1,
  2,
]
inline = { x = 1, y = [3, 4] }
[[line]]
b.c = 2
"""


@pytest.mark.parametrize(
    ("loc", "line"),
    [
        (("a",), 1),
        (("text",), 2),
        (("line",), 6),
        (("line", 0), 6),
        (("line", 0, "long"), 7),
        (("line", 0, "long", 1), 7),
        (("line", 0, "inline", "y", 1), 11),
        (("line", 1), 12),
        (("line", 1, "b", "c"), 13),
    ],
)
def test_the_line_of_a_key_is_where_its_value_starts(loc: tuple[int | str, ...], line: int) -> None:
    assert line_of(TOML, loc) == line


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    page = tmp_path / "page.toml"
    page.write_bytes(b"\xef\xbb\xbf" + (data_root() / "policies" / "kakao-2022.toml").read_bytes())
    assert load_policy(page) == load_policy("kakao-2022")


def test_a_name_falls_back_to_english() -> None:
    names = Name(en="Taxi"), Name(en="Taxi", ko="택시")
    assert [(name["en"], name["ko"]) for name in names] == [("Taxi", "Taxi"), ("Taxi", "택시")]


NOTE = 'note = { en = "A fee not charged.", ko = "받지 않은 수수료입니다." }'
"""Of the accounting view of a line."""


@pytest.mark.parametrize(
    ("note", "read"),
    [
        ('note = "Not charged."', Text(en="Not charged.")),
        ('note = { en = "Not charged." }', Text(en="Not charged.")),
        ('note = { en = "Not charged.", ko = "면제." }', Text(en="Not charged.", ko="면제.")),
        ('note = ""', None),
    ],
)
def test_a_text_is_plain_or_in_two_languages_and_a_remark_may_be_empty(
    edited: Edited, note: str, read: Text | None
) -> None:
    view = load_policy(edited("policies", NOTE, note)).line("t-blue-fee-waiver").accounting
    assert view
    assert view.note == read


@pytest.mark.parametrize("value", ["3", "true", "2022-12-29", '["a"]'])
def test_what_is_no_text_is_refused(edited: Edited, value: str) -> None:
    place = "line 't-blue-fee-waiver' > accounting > note: is no text"
    remedy = 'Write it in quotes, or in both languages: { en = "...", ko = "..." }.'
    line = refusal_of(edited("policies", NOTE, f"note = {value}"))
    assert [said for said in (place, remedy) if said not in line] == []


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("카카오톸", "카카오톡"),
        ("KAKAOTLAK", "kakaotalk"),
        ("소상공", None),  # three letters are missing
        ("개인", None),
        ("법인", None),
        ("kt", None),
        ("", None),
    ],
)
def test_what_decides_a_payment_is_hinted_at_for_a_slip_alone(word: str, meant: str | None) -> None:
    assert likely_typo_of(word, ["sk", "개업", "소상공인", "kakaotalk", "카카오톡"]) == meant


def test_of_two_words_the_one_with_fewer_slips_is_meant() -> None:
    assert likely_typo_of("merchants", ["marchand", "merchant"]) == "merchant"
    assert likely_typo_of("merchant", ["mxrchant", "merchanx"]) == "mxrchant"


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("카카오톸", ["멜론", "카카오톡"], "Did you mean '카카오톡'?"),  # a syllable that shares its letters
        ("개인", ["소상공인", "일반 이용자"], "Known: 소상공인, 일반 이용자."),
        ("zzz", ["bus", "ferry"], "Known: bus, ferry."),
        ("zzz", [*"abcdefghijklmno"], "Known: a, b, c, d, e, f, g, h, i, j, k, l, …"),
    ],
)
def test_a_near_word_is_hinted_at_or_the_known_ones_are_listed_up_to_twelve(
    word: str, known: list[str], hint: str
) -> None:
    assert spelling_hint(word, known) == hint


def test_a_document_that_cannot_be_opened_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.toml").write_text("id = 1")
    monkeypatch.setattr(Path, "open", Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.raises(OutageAnalysisError, match="cannot be read: Permission denied"):
        load_policy(tmp_path / "page.toml")


PAGE = '''
# Ask Kim, 010-1234-5678, 12 Long Street
count = 1_000_000 # her number
hex = 0xff
rate = 1e-3
large = 1e22
below = -0.0
never = inf
least = -inf
unknown = nan
flag = true
day = 2022-10-15
at = 15:19:30.250000
moment = 2022-10-15T15:19:00+09:00
local = 2022-10-15 15:19:00
zulu = 2022-10-15T06:19:00Z
text = """
first
  second # no comment
"third" \\"""" # a comment
raw = 'C:\\new\\table'
name = { en = "KakaoTalk", ko = "카카오톡" } # inline
empty = {}
none = []
mixed = [1, "a", [2.5, { x = 1 }]]
"an odd key" = 1
"" = 2
"한글" = 3
a.b.c = 4

[table] # of one
x = 1
[table.inner]
y = [[1, 2], ["a"]]

[[line]] # the first
id = "a"
[line.deep]
z = "é\\u007f\\u0000\\t\\u202e"
[[line.part]]
n = 1
[[line]]
id = "b"
'''


def test_every_kind_of_value_survives_and_no_comment_does() -> None:
    values = tomllib.loads(PAGE)
    text = toml_document(values)
    assert pformat(tomllib.loads(text)) == pformat(values)  # types, signs of zeros and nan too
    for private in ("Kim", "010-1234", "Long Street", "her number", "# inline", "# of one", "the first"):
        assert private not in text
    assert "# no comment" in text  # it is part of a text


def texts(size: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=size)


TEXTS = texts(20) | st.builds(lambda text, n: text * n, texts(20), st.integers(1, 40))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
PLAIN = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | TEXTS
    | st.dates()
    | st.times().map(lambda at: at.replace(fold=0))
    | st.datetimes(timezones=st.none() | ZONES).map(lambda at: at.replace(fold=0))
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(page=st.dictionaries(texts(8), VALUES, max_size=6))
@settings(max_examples=300)
def test_values_survive_and_the_text_of_a_text_read_again_is_the_same(page: dict[str, Any]) -> None:
    text = toml_document(page)
    again = tomllib.loads(text)
    assert pformat(again) == pformat(page)
    assert toml_document(again) == text


@given(text=TEXTS | st.text(" \t\n\\\"'a", min_size=90, max_size=2_500))
@settings(max_examples=75)
def test_a_long_text_is_broken_into_lines_that_a_document_may_have(text: str) -> None:
    page = {"note": text, "list": [text, text]}
    written = toml_document(page)
    assert tomllib.loads(written) == page
    assert max(map(len, written.split("\n"))) <= MAX_TOML_LINE


PAGES = sorted(p for p in data_root().rglob("*.toml"))


LOADERS: dict[str, Callable[[Path], Document]] = {
    "assumptions": load_ledger,
    "incidents": load_incident,
    "layouts": load_layout,
    "policies": load_policy,
}


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.parent.name in LOADERS], ids=lambda p: f"{p.parent.name}-{p.stem}"
)
def test_a_document_is_written_from_its_values_and_read_again(page: Path, tmp_path: Path) -> None:
    load = LOADERS[page.parent.name]
    document = load(page)
    copy = tmp_path / "copy.toml"
    copy.write_text(document_text(document), "utf-8")
    assert load(copy) == document
    assert document_text(load(copy)) == copy.read_text("utf-8")


def test_a_policy_with_every_key_is_written_and_read_again(tmp_path: Path) -> None:
    policy = load_policy(ROOT / "docs" / "every-key.toml")
    (tmp_path / "copy.toml").write_text(document_text(policy), "utf-8")
    assert load_policy(tmp_path / "copy.toml") == policy
