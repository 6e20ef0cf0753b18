"""Write the golden tables of the contract: `python -m tests.contract.write_golden`.

A report is written with its own seed and with eight others, so that each figure gets the tolerance that the
simulation needs.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.contract.command_line import OWN_FILE, REPORTS, answered
from tests.contract.report_tables import Table, golden_tables, read_tables, write_golden

NAMES = ("kakao-en", "trams-en", "own-en")
OTHER_SEEDS = range(101, 109)


def tables_of(name: str, folder: Path, *options: object) -> dict[str, Table]:
    claims = folder / "complaints.csv"
    claims.write_text(OWN_FILE, "utf-8")
    words = [claims if word == claims.name else word for word in REPORTS[name]]
    out = folder / "report"
    answered("report", *words, "--formats", "csv", "--out", out, "--force", *options)
    return read_tables(out)


def main() -> None:
    with TemporaryDirectory() as folder:
        for name in NAMES:
            seeds = [(), *(("--seed", seed) for seed in OTHER_SEEDS)]
            write_golden(name, golden_tables([tables_of(name, Path(folder), *seed) for seed in seeds]))


if __name__ == "__main__":
    main()
