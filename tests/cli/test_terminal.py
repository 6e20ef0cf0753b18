"""What every command prints on a terminal: the answer, whole figures, few lines, none wider than it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.commands import GOOD, HEADER, KAKAO
from tests.contract.command_line import outage_analysis

pytestmark = pytest.mark.slow
FEW = ("--draws", "8192")
PRINTING: dict[str, tuple[str, ...]] = {
    "query": ("repeat-claimants", *KAKAO),
    "cost": ("--budget", "300_000_000", *FEW),
    "sensitivity": ("--exceeds", "500_000_000", *FEW),
    "compare": ("kakao-candidate-cash", "kakao-candidate-voucher", "--as-of", "2022-10-24", *FEW),
    "solve": ("--budget", "520M", "--vary", "small-business-cash.tier1,tier2", "--step", "10_000", *FEW),
    "scenarios": ("--budget", "300_000_000", *FEW),
    "reserve": ("--measure", "P75", "--handling", "inside", *FEW),
    "backtest": FEW,
    "bridge": ("kakao-2022", "kakao-2023-06-30"),
    "ingest": ("claims.csv", *KAKAO, "--max-rejects", "90%"),
    "inspect": ("claims.csv", *KAKAO),
    "cube": ("claims.csv", *KAKAO, "--by", "service,region,industry,category", "--max-rejects", "90%"),
    "distribution": ("--where", "service=kakao_t", "--fit", "--recovery"),
    "intake": ("--as-of", "2022-10-21"),
    "facts": ("--topic", "cost"),
    "incidents": ("kakao-2022",),
    "assumptions": ("kakao-2022",),
    "policies list": (),
    "policies show": ("kakao-2022",),
    "policies explain": ("kakao-2022", "--lang", "ko"),
    "policies check": ("kakao-2022",),
}
"""The commands that print tables or sentences, with what they are run with."""
WITHOUT_TABLE = {"policies explain"}


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    rejected = GOOD.replace("1,카톡", "2,없는서비스")
    large = GOOD.replace("1,", "3,", 1).replace("300000", "123456789")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("terminal"))
        Path("claims.csv").write_text(HEADER + GOOD + rejected + large, "utf-8")
        yield


def printed(name: str, *options: str, columns: int | None = None) -> str:
    code, out, err = outage_analysis(*name.split(), *PRINTING[name], *options, columns=columns)
    assert code == 0, err
    return out


def words_of(text: str) -> set[str]:
    """The words and figures of a text; where a table is too wide, its column titles stand before a colon."""
    return {word.strip(":").casefold() for word in re.sub(r"─|https?://\S+", "", text).split()}


@pytest.mark.parametrize("name", PRINTING)
def test_tables_fit_the_terminal_and_cut_nothing(name: str) -> None:
    everything = () if name in WITHOUT_TABLE else ("--all",)
    in_full = words_of(printed(name, *everything))
    for width in (80, 100, 120):
        out = printed(name, *everything, columns=width)
        assert [line for line in out.split("\n") if cell_len(line) > width] == []
        assert in_full - words_of(out) == set()


def test_a_narrow_terminal_leaves_out_columns_rather_than_rows() -> None:
    out = printed("scenarios", columns=80)
    heads = next(line for line in out.split("\n") if line.startswith(" Scenario "))
    assert heads.split() == ["Scenario", "Expected", "P10", "P90", "Chance", "Change"]
    assert re.search("^ All inputs ", out, re.MULTILINE)
    assert re.search(r"^--all also prints (\d+ more lines?, )?2 more columns\.$", out, re.MULTILINE)
    assert " P50 " in printed("scenarios", columns=120)


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_what_a_terminal_shows_ends_with_a_whole_sentence_or_row(columns: int) -> None:
    out = printed("cost", columns=columns)
    shown, _, rest = out.rstrip("\n").rpartition("\n")
    assert rest.startswith("--all also prints ")
    assert len(out.splitlines()) <= 40
    assert re.search(r"[.%\d]\s*$", shown)
