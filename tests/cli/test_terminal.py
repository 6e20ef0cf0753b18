"""What every command prints on a terminal: the answer, whole figures, few lines, none wider than it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from rich.cells import cell_len

from outage_analysis.cli import console
from outage_analysis.text import Answer, ShownTable, text_table
from tests.commands import COMMANDS, GOOD, HEADER, KAKAO
from tests.contract.command_line import outage_analysis

WIDTHS = (80, 100, 120)
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
    "distribution": ("--grouped", "dental-claims", "--fit"),
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
WRITING = {"report", "verify", "notebook run", "policies new", "new", "lab"}
"""Those that write files, and print their paths or one sentence."""
WITHOUT_TABLE = {"policies explain", "policies check"}
Printed = tuple[ShownTable, Answer]
Recorded = Callable[[str], tuple[list[Printed], str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Complaints with Korean texts, of which one row is rejected."""
    made = tmp_path_factory.mktemp("terminal")
    rejected = GOOD.replace("1,카톡", "2,없는서비스")
    large = GOOD.replace("1,", "3,", 1).replace("300000", "123456789")
    rows = GOOD + rejected + large
    (made / "claims.csv").write_text(HEADER + rows, "utf-8")
    return made


@pytest.fixture(scope="module")
def recorded(folder: Path) -> Recorded:
    """The tables that a command gives to `print_table`, and what it prints on a terminal with --all.

    Each command runs once.
    """

    @cache
    def run(name: str) -> tuple[list[Printed], str]:
        found: list[Printed] = []
        real = console.print_table

        def print_table(shown: ShownTable, answer: Answer) -> None:
            found.append((shown, answer))
            real(shown, answer)

        everything = () if name in WITHOUT_TABLE else ("--all",)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(console, "print_table", print_table)
            out = on_a_terminal(80, folder, *name.split(), *PRINTING[name], *everything)
        return found, out

    return run


def on_a_terminal(width: int, folder: Path, *arguments: str) -> str:
    """What a command prints in this process if stdout is a terminal of so many columns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        code, out, err = outage_analysis(*arguments, columns=width)
    assert code == 0, err
    return out


def printed(table: Printed, width: int | None) -> str:
    """A table as it is printed in full on a terminal of so many columns; None for a pipe."""
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "_terminal_width", lambda: width)
        patch.setattr(console, "print_line", lines.append)
        patch.setattr(console, "_screen", console._Screen(everything=True))  # noqa: SLF001 - as --all does
        console.print_table(*table)
    return "\n".join(lines)


def whole(text: str, out: str) -> bool:
    """Whether a text stands in an output with no digit or letter beside it."""
    return re.search(rf"(?<![\w.,]){re.escape(text)}(?![\w]|[.,]\d)", out) is not None


def check(table: Printed, out: str) -> None:
    """Every number and every word of a table stands whole in the output."""
    cells = text_table(*table)
    for row in cells.rows:
        for n, text in enumerate(row):
            if n in cells.numbers:
                assert not text or whole(text, out), (cells.heads[n], text)
            else:
                assert all(whole(word, out) or word in out.split() for word in text.split()), text


def test_every_command_is_registered_here() -> None:
    assert {*PRINTING, *WRITING} == set(COMMANDS)
    assert not WRITING & PRINTING.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", PRINTING)
def test_tables_fit_the_terminal_and_cut_nothing(recorded: Recorded, name: str) -> None:
    tables, out = recorded(name)
    assert bool(tables) == (name not in WITHOUT_TABLE)
    assert [line for line in out.split("\n") if cell_len(line) > 80] == []
    for table in tables:
        check(table, out)
        for width in WIDTHS:
            alone = printed(table, width)
            assert [line for line in alone.split("\n") if cell_len(line) > width] == []
            check(table, alone)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRINTING)
def test_a_pipe_gets_one_line_per_row_in_full(recorded: Recorded, name: str) -> None:
    for table in recorded(name)[0]:
        shown, _ = table
        out = printed(table, None)
        assert out.split("\n")[0] == shown.title
        for row, line in zip(text_table(*table).rows, out.split("\n")[3:], strict=False):
            assert line.split() == " ".join(row).split()
        assert len(out.split("\n")) == len(shown.rows) + 4  # title, names, rule, and an empty line behind


@pytest.mark.slow
def test_a_narrow_terminal_leaves_out_columns_rather_than_rows(folder: Path) -> None:
    out = on_a_terminal(80, folder, "scenarios", *PRINTING["scenarios"])
    heads = next(line for line in out.split("\n") if line.startswith(" Scenario "))
    assert heads.split() == ["Scenario", "Expected", "P10", "P90", "Chance", "Change"]
    assert re.search("^ All inputs ", out, re.MULTILINE)
    rest = " ".join(out.partition("--all also prints: ")[2].split())
    assert re.search(r"Cash cost in each scenario \((\d more rows?, )?2 more columns\)", rest)
    assert " P50 " in on_a_terminal(120, folder, "scenarios", *PRINTING["scenarios"])
