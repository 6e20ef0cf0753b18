"""Every command of `--help`: it answers in both languages, and what it prints is what its JSON states."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.contract.command_line import OWN_FILE, Printed, outage_analysis

FEW = ("--draws", "8192")
TIERS = "300000:30000,500000:50000"
TRAMS = ("--incident", "trams")
OWN = ("--incident", "mine/incident.toml")
PRICED = ("complaints.csv", "--tiers", TIERS, *FEW)
COMMANDS: dict[str, dict[str, tuple[str, ...]]] = {
    "cost": {
        "kakao": ("--budget", "300_000_000", *FEW),
        "trams": (*TRAMS, "--budget", "500", *FEW),
        "own": (*PRICED, "--budget", "200_000"),
    },
    "sensitivity": {"kakao": FEW, "trams": (*TRAMS, *FEW), "own": PRICED},
    "scenarios": {"kakao": FEW, "trams": (*TRAMS, *FEW), "own": PRICED},
    "reserve": {"kakao": FEW, "trams": (*TRAMS, *FEW), "own": PRICED},
    "solve": {
        "kakao": (
            *("--vary", "small-business-cash.tier1,tier2", "--step", "10_000", "--budget", "900M"),
            *FEW,
        ),
        "trams": (*TRAMS, "--vary", "delay-payment.tier2", "--step", "0.5", "--budget", "600", *FEW),
        "own": (*PRICED, "--vary", "tiers.tier1", "--step", "10_000", "--budget", "300_000"),
    },
    "compare": {
        "kakao": (*("kakao-candidate-cash", "kakao-candidate-voucher", "--as-of", "2022-10-24"), *FEW),
        "own": (
            *("mine/policy.toml", "more.toml", *OWN, "--ledger", "mine/ledger.toml"),
            *("--claims", "complaints.csv", *FEW),
        ),
    },
    "backtest": {"kakao": FEW},
    "bridge": {"kakao": ("kakao-2022", "kakao-2023-06-30")},
    "ingest": {"trams": ("trams.csv", *TRAMS), "own": ("complaints.csv", *OWN)},
    "inspect": {"trams": ("trams.csv", *TRAMS), "own": ("complaints.csv", *OWN)},
    "cube": {"trams": ("trams.csv", *TRAMS, "--by", "service"), "own": ("complaints.csv", *OWN)},
    "query": {
        "kakao": ("claims-by-day",),
        "trams": ("losses-by-service", "trams.csv", *TRAMS),
        "own": ("loss-concentration", "complaints.csv", *OWN),
    },
    "distribution": {"kakao": (), "trams": TRAMS, "own": ("complaints.csv", *OWN)},
    "intake": {"kakao": (), "own": ("complaints.csv", *OWN, "--closes", "2026-03-10", "--spike", "0")},
    "facts": {"kakao": ("--topic", "cost")},
    "incidents": {"kakao": ("kakao-2022",), "trams": ("trams",), "own": ("mine/incident.toml",)},
    "assumptions": {"kakao": ("kakao-2022",), "trams": ("trams",), "own": ("mine/ledger.toml",)},
    "policies list": {"kakao": ()},
    "policies show": {"kakao": ("kakao-2022",), "trams": ("trams",), "own": ("mine/policy.toml",)},
    "policies explain": {"kakao": ("kakao-2022",), "trams": ("trams",), "own": ("mine/policy.toml",)},
    "policies check": {"kakao": ("kakao-2022",), "trams": ("trams",), "own": ("mine/policy.toml",)},
}
"""The commands that print an answer, with the inputs that they take."""
WRITING = {"report", "verify", "new", "policies new", "notebook run"}
"""The commands that write files or check them: the tests below, of reports and of notebooks run them."""
STAYING = {"lab"}
"""It opens JupyterLab and does not end."""
ROWS: dict[str, tuple[Callable[[Any], list[dict[str, Any]]], tuple[str, ...]]] = {
    "cost": (lambda told: told["totals"], ("low", "expected", "high")),
    "sensitivity": (lambda told: told["tornado"], ("cost_low", "cost_expected", "cost_high")),
    "scenarios": (lambda told: told["scenarios"], ("expected", "change", "range_low", "p50", "range_high")),
    "reserve": (lambda told: told["reserve"], ("cash", "handling", "both")),
    "solve": (lambda told: told["solution"], ("expected", "at_level", "per_claim")),
    "compare": (lambda told: told["policies"], ("expected",)),
    "backtest": (lambda told: told["outcomes"], ("observed", "range_low", "p50", "range_high")),
    "bridge": (lambda told: told["bridge"], ("amount", "total", "p50", "p75", "p90")),
    "ingest": (lambda told: told["files"], ("rows", "claims", "rejects")),
    "inspect": (lambda told: told["columns"], ("distinct",)),
    "cube": (lambda told: told["rows"], ("claims", "loss")),
    "distribution": (lambda told: told["bands"], ("claims", "loss")),
    "intake": (lambda told: told["points"], ("cumulative", "increment")),
    "facts": (lambda told: told, ("value",)),
    "assumptions": (lambda told: told["assumptions"], ("low", "expected", "high")),
    "policies list": (lambda told: told, ("lines",)),
    "policies show": (lambda told: told["result"]["tie_outs"], ("computed", "printed")),
}
"""Where the JSON of a command has its main figures: each row stands in one line of what is printed."""
LONG = {"inspect", "policies explain", "policies check"}
"""The commands that print a layout to copy, or a sentence for each line."""
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")
KEY = re.compile(r"(?<![\w./-])[a-z]+\.[a-z]+_[a-z_]+\b|\{[a-z_]*\}|�")
"""A key of a word, a place to fill, a character that was not read."""
NOTHING = re.compile(r"\b(?:None|nan|NaN|NaT|null)\b|Traceback|<[\w.]+ object")
ENGLISH = re.compile(r"\b[A-Za-z][a-z]+(?: [a-z]{2,}){3,}")


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder: complaints, the three files of an own outage, and another policy for it."""
    folder = tmp_path_factory.mktemp("commands")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("complaints.csv").write_text(OWN_FILE, "utf-8")
        made = outage_analysis("new", "mine", "--claims", "complaints.csv", "--tiers", TIERS)
        assert made.code == 0, made.err
        policy = Path("mine/policy.toml").read_text("utf-8")
        more = re.sub(r"\b30_?000\b", "40000", policy)
        Path("more.toml").write_text(re.sub(r'(?m)^id = "complaints-tiers"', 'id = "more"', more), "utf-8")
        Path("trams.csv").write_text(
            "claim_id,service,claimant_type,filed_on,delay,ticket\n1,red,passenger,2025-03-11,75,single\n"
            "2,blue,passenger,2025-03-11,20,day\n3,R,company,2025-03-12,,season\n",
            "utf-8",
        )
        yield folder
    answer.cache_clear()


@cache
def answer(name: str, case: str, *options: str) -> Printed:
    """What a command prints; each is run once."""
    return outage_analysis(*name.split(), *COMMANDS[name][case], *options)


def told(name: str, case: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """What a command states as JSON."""
    printed = answer(name, case, "--json")
    assert printed.code == 0, printed.err
    return json.loads(printed.out, parse_constant=pytest.fail)


def holds(line: str, value: float) -> bool:
    """Whether a line has this number, to the digits that it prints."""
    for text in NUMBER.findall(line):
        plain = text.replace(",", "")
        decimals = len(plain.partition("e")[0].partition(".")[2])
        unit = 10.0 ** (int(plain.partition("e")[2] or 0) - decimals)
        if abs(float(plain) - value) <= 0.5001 * unit:
            return True
    return False


def cases(only: Collection[str] = COMMANDS) -> list[Any]:
    """Each command with each case in each language; one of each is quick, of own complaints if possible."""

    def marks(name: str, case: str, lang: str) -> list[pytest.MarkDecorator]:
        first = ("own", "ko") if "own" in COMMANDS[name] else ("kakao", "en")
        return [] if (case, lang) == first else [pytest.mark.slow]

    return [
        pytest.param(name, case, lang, marks=marks(name, case, lang))
        for name, given in COMMANDS.items()
        if name in only
        for case in given
        for lang in ("en", "ko")
    ]


def listed(*group: str) -> set[str]:
    """The commands that `--help` lists, those of a group by both words."""
    text = outage_analysis(*group, "--help").out
    found = set(re.findall(r"^│ ([a-z]+) {2,}", text, re.MULTILINE))
    groups = {name for name in found if not group and name in {"policies", "notebook"}}
    return {" ".join([*group, name]) for name in found - groups}.union(*(listed(name) for name in groups))


def test_every_command_of_the_help_is_run() -> None:
    assert listed() == COMMANDS.keys() | WRITING | STAYING


def test_the_version_is_that_of_the_package() -> None:
    assert outage_analysis("--version") == (0, f"{version('outage-analysis')}\n", "")


@pytest.mark.parametrize(("name", "case", "lang"), cases())
def test_a_command_prints_words_and_figures_only(name: str, case: str, lang: str) -> None:
    code, out, err = answer(name, case, "--lang", lang)
    assert code == 0, err
    assert out.strip()
    text = re.sub(r"(?m)^#.*\n", "", out) + err  # without the comments of a proposed layout
    assert not NOTHING.findall(text)
    assert not KEY.findall(text)
    assert lang == "en" or not ENGLISH.findall(text)
    assert (
        lang == "en" or name == "incidents" or re.search("[가-힣]", out)
    )  # names of an incident are its own


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case", "lang"), cases(ROWS))
def test_the_figures_of_the_json_are_those_that_are_printed(name: str, case: str, lang: str) -> None:
    stated = told(name, case)
    rows_of, columns = ROWS[name]
    lines = answer(name, case, "--lang", lang).out.splitlines()
    rows = rows_of(stated)
    assert name == "policies show" or any(row.get(column) is not None for row in rows for column in columns)
    for row in rows:
        values = [row[column] for column in columns if row.get(column) is not None]
        assert any(all(holds(line, value) for value in values) for line in lines), (values, row)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "case"), [(name, case) for name, given in COMMANDS.items() for case in given]
)
def test_an_answer_fits_a_terminal_of_80_columns_and_40_lines(name: str, case: str) -> None:
    """In English for the trams, else in Korean, whose letters are twice as wide."""
    lang = "en" if case == "trams" else "ko"
    code, out, _ = outage_analysis(*name.split(), *COMMANDS[name][case], "--lang", lang, columns=80)
    assert code == 0
    assert [line for line in out.splitlines() if cell_len(line) > 80] == []
    assert name in LONG or len(out.splitlines()) <= 40


# --- commands that write ----------------------------------------------------------------------------------


def test_a_template_of_a_policy_is_valid_and_never_overwrites() -> None:
    assert outage_analysis("policies", "new", "draft", "--currency", "EUR").code == 0
    stored = Path("draft.toml").read_bytes()
    assert outage_analysis("policies", "show", "draft.toml").code == 0
    assert outage_analysis("policies", "new", "draft").code == 2
    assert Path("draft.toml").read_bytes() == stored


@pytest.mark.parametrize("lang", ["en", pytest.param("ko", marks=pytest.mark.slow)])
def test_a_new_project_has_a_cost_at_once(lang: str) -> None:
    made = outage_analysis(
        "new", f"tram-{lang}", "--currency", "EUR", "--loss-unit", "minutes", "--lang", lang
    )
    assert made.code == 0, made.err
    files = (f"--{kind}=tram-{lang}/{kind}.toml" for kind in ("incident", "policy", "ledger"))
    rows = sorted(str(path) for path in Path(f"tram-{lang}").rglob("*.csv"))
    cost = outage_analysis("cost", *rows, *files, *FEW, "--json")
    assert cost.code == 0, cost.err
    assert any((row["expected"] or 0) > 0 for row in json.loads(cost.out)["totals"])
    assert outage_analysis("new", f"tram-{lang}").code == 2


def test_an_own_outage_in_files_costs_what_the_short_form_costs() -> None:
    files = (f"--{kind}=mine/{kind}.toml" for kind in ("incident", "policy", "ledger"))
    both = [told("cost", "own"), json.loads(outage_analysis("cost", *PRICED[:1], *files, *FEW, "--json").out)]
    first, second = ([row["expected"] for row in each["totals"]] for each in both)
    assert first == second
