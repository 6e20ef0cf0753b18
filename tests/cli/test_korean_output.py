"""Every command that has --lang prints Korean without English."""

from __future__ import annotations

import inspect
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from outage_analysis.cli import claims as claim_files, lookup, notebooks, report
from outage_analysis.jupyter import new_project
from outage_analysis.text import Locale, Note
from tests.commands import command
from tests.paths import ROOT
from tests.text.test_labels import PAGES
from tests.untranslated_text import untranslated

FEW = ("--draws", "8192")
INCIDENT = ("--incident", "p/incident.toml")
WEEK = ("--as-of", "2022-10-24")
IDS = re.compile(r"(?<![\w-])[a-z0-9]+(?:[-_][a-z0-9]+)+(?![\w-])")
"""Ids of cost lines, services and assumptions, and names of keys and options; they have no translation."""
HEADERS = {"service", "region", "note", "loss"}
"""Headers of the inspected file."""
OUTCOMES = {"filed", "accepted", "paid"}
"""Stages of the outcomes of the back-test."""
OPTION = re.compile(r"--\w+")
CURRENCIES = {"KRW", "EUR", "USD", "GBP", "JPY", "CAD", "AUD"}
NAMES = {
    # ids of one word
    *("alimtalk", "daum", "kakaotalk", "emoticons", "games", "webtoon", "melon", "trams", "app", "messaging"),
    *(
        "tiers",
        "payments",
        "credit",
        "flat",
        "deadline",
        "capital",
        "islands",
        "north",
        "south",
        "plain",
        "iso",
        "true",
    ),
    # files, options and code that a user types
    *("tier1", "tier2"),
    *("incident.toml", "policy.toml", "ledger.toml", "README.md", "claims/", "unknown", "fixed", "review"),
    *(
        "formats",
        "ingest",
        "bad.csv",
        "sample-synthetic.csv",
        "my.toml",
        "FILE",
        "make",
        "lab",
        "OUTAGE",
        "csv",
        "messagin",
        "messaging",
        "Messaging",
        "abc",
        "claims",
        "inspect",
    ),
    # a book, programs and a scheme
    *("Loss", "Models", "SAS", "PROC", "SEVERITY", "actuar", "gdental", "CRPS", "App", "AIC", "XII"),
}
BAD_ROWS = """claim_id,service,claimant_type,filed_on,loss,region,note
1,app,general_user,2026-01-15,abc,north,010-1234-5678
2,messagin,general_user,2026-01-16,5,north,x
3,app,general_user,2026-01-17,50,north,we could not sell anything on that day
"""
CASES: dict[str, tuple[tuple[str, ...], ...]] = {
    "ingest": (("p/claims", *INCIDENT), ("bad.csv", *INCIDENT, "--max-rejects", "90%")),
    "inspect": (("bad.csv", *INCIDENT),),
    "query": (("repeat-claimants", "p/claims", *INCIDENT), ()),
    "cube": (("p/claims", *INCIDENT, "--by", "service"),),
    "distribution": (("p/claims", *INCIDENT, "--fit", "--recovery"),),
    "intake": (
        ("--as-of", "2022-10-21", "--extend-to", "2022-10-31"),
        ("p/claims", *INCIDENT, "--recovery", "--closes", "2026-02-20"),
        (
            *("p/claims", *INCIDENT, "--recovery", "--closes", "2026-02-14", "--spike", "0"),
            *("--former", "2026-01-20"),
        ),
    ),
    "cost": (
        ("--budget", "300_000_000", *FEW),
        ("--incident", "trams", *FEW),
        (*("p/claims/sample-synthetic.csv", "--tiers", "300:30", "--currency", "EUR", "--budget", "1"), *FEW),
    ),
    "report": (("--formats", "csv", "--out", "{new}", *FEW),),
    "verify": (("r", "--integrity"),),
    "sensitivity": (("--exceeds", "500_000_000", *FEW),),
    "compare": ((*("kakao-candidate-cash", "kakao-candidate-voucher", "kakao-candidate-fees"), *WEEK, *FEW),),
    "backtest": (FEW,),
    "scenarios": (("--budget", "300_000_000", *FEW), ("--incident", "trams", *FEW)),
    "reserve": (("--incident", "trams", *FEW), ("--measure", "P75", "--handling", "inside", *FEW)),
    "solve": (
        ("--budget", "5.2억", "--vary", "small-business-cash.tier1,tier2", "--step", "10_000", *FEW),
        ("--budget", "30억", "--vary", "small-business-cash.tier1", *FEW),
    ),
    "bridge": (("kakao-2022", "kakao-2023-06-30"),),
    "facts": (("--topic", "cost"),),
    "incidents": ((),),
    "assumptions": ((), ("kakao-2022",)),
    "policies list": ((),),
    "policies show": (("kakao-2022",), ("kddi-2022",), ("att-2024",)),
    "policies explain": (("kakao-2022",),),
    "policies check": (("kakao-2022",), ("kakao-candidate-cash",)),
    "new": (("{new}",), ("{new}", "--claims", "p/claims", "--tiers", "300:30", "--currency", "EUR")),
    "notebook run": (("mine.ipynb", "--out", "{new}.html"),),
}
"""Command -> the arguments with which it is run."""
MODULES = (report, claim_files, lookup, notebooks)


def commands_with_language() -> list[str]:
    """The names of all commands that have the option --lang."""
    groups = [("", module.commands) for module in MODULES]
    groups += [
        ("", claim_files.exploring),
        ("", report.decisions),
        ("policies ", lookup.policy_commands),
        ("notebook ", notebooks.notebook_commands),
    ]
    return [
        prefix + (each.name or each.callback.__name__)
        for prefix, group in groups
        for each in group.registered_commands
        if each.callback and "lang" in inspect.signature(each.callback).parameters
    ]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a new project, a file of which two rows are rejected, and a notebook."""
    folder = tmp_path_factory.mktemp("korean")
    new_project(folder / "p", currency="EUR")
    (folder / "bad.csv").write_text(BAD_ROWS, "utf-8")
    v4: Any = nbformat.v4
    cell = v4.new_code_cell("amount = 1", metadata={"tags": ["parameters"]})
    (folder / "mine.ipynb").write_text(v4.writes(v4.new_notebook(cells=[cell])), "utf-8")
    return folder


@pytest.fixture
def working_folder(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


in_the_folder = pytest.mark.usefixtures("working_folder")


def test_every_command_with_a_language_has_a_case() -> None:
    assert sorted(CASES) == sorted(commands_with_language())


def printed_in(lang: str, name: str, arguments: tuple[str, ...]) -> tuple[str, str]:
    """What a command prints on stdout and stderr in a language."""
    filled = [argument.replace("{new}", f"new-{lang}") for argument in arguments]
    code, out, err = command(*name.split(), *filled, "--lang", lang)
    assert code == 0, err
    return out, err


def prose(text: str) -> str:
    """The lines that a user reads: no commands to copy, no paths alone on a line, no proposed layout."""
    text = re.sub(r"^files = .*?(?=^다음 명령|\Z)", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = (line for line in text.splitlines() if not line.startswith("다음 명령: "))
    lines = (re.sub(r"https?://\S+|(?<!\S)/\S+|OUTAGE=\S+", "", line) for line in lines)
    return IDS.sub(
        "·", OPTION.sub("", "\n".join(line for line in lines if not re.fullmatch(r"\S*new-ko\S*", line)))
    )


QUICK = {"ingest", "inspect", "query", "cube", "policies list", "policies explain", "policies check"}
"""The commands that compute no cost."""


@in_the_folder
@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param(name, number, marks=[] if name in QUICK else pytest.mark.slow)
        for name in CASES
        for number in range(len(CASES[name]))
    ],
)
def test_the_korean_output_of_a_command_has_no_english(name: str, number: int) -> None:
    arguments = CASES[name][number]
    if name == "verify":
        assert command("report", "--formats", "csv", "--out", "r", *FEW)[0] == 0
    out, err = printed_in("ko", name, arguments)
    allowed = (
        NAMES | CURRENCIES | (HEADERS if name == "inspect" else OUTCOMES if name == "backtest" else set())
    )
    # The headings of the first rows are the headers of the file.
    text = re.sub(r"^ 행  1 .*$", "", prose(out + err), flags=re.MULTILINE)
    found = [run for line in text.splitlines() for run in untranslated(line, allowed)]
    assert found == []
    assert "배상" not in out + err


@pytest.mark.slow
@in_the_folder
def test_json_is_the_same_in_every_language() -> None:
    for words in (
        *(("policies", "list"), ("policies", "show", "kakao-2022"), ("policies", "check", "kakao-2022")),
        *(("ingest", "bad.csv", *INCIDENT, "--max-rejects", "90%"), ("inspect", "bad.csv", *INCIDENT)),
    ):
        english, korean = (command(*words, "--json", "--lang", lang) for lang in ("en", "ko"))
        assert english == korean
        assert english[0] == 0


@in_the_folder
@pytest.mark.parametrize("name", ["cost", "new"])  # which have options of their own
def test_an_unknown_language_is_refused_before_anything_is_computed(name: str) -> None:
    arguments = [argument.replace("{new}", "new") for argument in CASES[name][0]]
    before = sorted(Path().iterdir())
    code, out, err = command(*name.split(), *arguments, "--lang", "fr")
    assert (code, out, err) == (2, "", "error: no such language (found 'fr'). Known: en, ko.\n")
    assert sorted(Path().iterdir()) == before


@in_the_folder
def test_a_reject_is_explained_in_korean_with_its_row_and_value() -> None:
    out = command("ingest", "bad.csv", *INCIDENT, "--max-rejects", "90%", "--lang", "ko")[1]
    assert "bad.csv, 3행, 서비스: 규칙 위반(알려진 서비스다) (messagin). 혹시 ‘messaging’입니까?" in out
    assert "전체 3행 = 신고 1건 + 반려 2건" in out


# --- notes ------------------------------------------------------------------------------------------------

NOTES = [key.removeprefix("note.") for key in PAGES["en"] if key.startswith("note.")]
MADE = re.compile(r'\bNote\(\s*"(\w+)"')


@pytest.mark.parametrize("key", NOTES)
def test_a_note_is_said_in_korean_with_its_words_and_notes(key: str) -> None:
    inner = Note("no_curve", reason=Note("step_reading_the_losses"))
    english = {"reason": inner, "family": "gamma", "branch": "extended", "top": "open"}
    korean = {
        "reason": "접수 성장곡선 없음: 손실 자료를 읽는 중",
        "family": "감마",
        "branch": "마감 연장",
        "top": "상한 없음",
    }
    parts = dict.fromkeys(re.findall(r"{(\w+)", PAGES["en"][f"note.{key}"]), "7")
    note = Note(key, **{name: english.get(name, value) for name, value in parts.items()})
    told = Locale("ko").note(pickle.loads(pickle.dumps(note)))  # noqa: S301 - made here
    assert told == Locale("ko")(f"note.{key}", **{name: korean.get(name, "7") for name in parts})
    assert untranslated(OPTION.sub("", told)) == []


def test_every_note_that_the_package_makes_has_words_and_none_is_left_over() -> None:
    sources = (path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    assert {key for source in sources for key in MADE.findall(source)} | {"step_starting"} == set(NOTES)
