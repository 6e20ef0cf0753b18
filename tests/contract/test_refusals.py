"""Each bad input ends with its exit code, on one line that names the place and a remedy, and writes nothing.

A refusal is found by the place, the value or the argument that it names, not by its sentence.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import outage_analysis as oa
from outage_analysis.incidents import Layout
from tests.contract.command_line import OWN_FILE, answered, json_of, outage_analysis, refused, refuses
from tests.contract.test_reading import INCIDENT, PLAIN
from tests.shared_folders import file_contents

USAGE, DATA, PRIVACY, MODEL, ENVIRONMENT = 2, 3, 4, 5, 6
POLICY = """\
id = "reading-policy"
name = { en = "Tiers" }
currency = "KRW"
loss_unit = "KRW"

[[line]]
id = "cash"
kind = "schedule"
name = { en = "Cash" }
public_on = 2026-03-02
effort = "form"
band = [
  { over = 0, up_to = 300_000, fixed = 30_000 },
  { over = 300_000, fixed = 50_000 },
]
"""
LEDGER = """\
id = "reading-ledger"
name = { en = "Ledger" }
incident = "reading-2026"
as_of = 2026-03-31
currency = "KRW"

[[assumption]]
id = "filing"
kind = "filing_share"
name = { en = "Filing share" }
lines = ["cash"]
effort = "form"
distribution = { kind = "pert", low = 0.1, mode = 0.2, high = 0.4 }
public_on = 2026-03-02
grade = "assumed"
source.en = "nobody"
rationale.en = "an example"
owner = "nobody"
outcome_known = false
"""
COUNTS = 'service,claimant_type,band,claims\nBank,Person,"(0, 300000]",4000\nTaxi,Person,>500000,7\n'
ONE = "claim_id,claimant_id,service,claimant_type,filed_on,loss,region\n1,c1,Bank,Person,2026-03-02,5,x\n"
FREE = "claim_id,service,filed_on,loss\n1,App,2026-01-15,12\n2,Web,2026-01-16,7\n"
"""Complaints that name no currency."""
FILES: dict[str, str | bytes] = {
    "list.csv": PLAIN,
    "own.csv": OWN_FILE,
    "one.csv": ONE,
    "incident.toml": INCIDENT,
    "policy.toml": POLICY,
    "ledger.toml": LEDGER,
    "counts.csv": COUNTS,
    "overlap.csv": COUNTS.replace(">500000", '"(200000, 500000]"').replace("Taxi", "Bank"),
    "broken.toml": POLICY.replace("public_on = 2026-03-02", "public_on = "),
    "overlap.toml": POLICY.replace("over = 300_000", "over = 290_000"),
    "gap.toml": POLICY.replace("over = 300_000", "over = 310_000"),
    "mistyped.toml": POLICY.replace("public_on", "publicon"),
    "quoted.toml": POLICY.replace("up_to = 300_000", 'up_to = "300000"'),
    "above-one.toml": LEDGER.replace("high = 0.4", "high = 1.4"),
    "yen.toml": POLICY.replace('"KRW"\nloss', '"JPY"\nloss'),
    "no-service.toml": re.sub(r"service = \[.*?\n\]\n", "", INCIDENT, flags=re.DOTALL),
    "empty.csv": "",
    "header.csv": ONE.splitlines()[0] + "\n",
    "binary.csv": bytes(range(256)) * 20,
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "false.xlsx": "hello",
    "old.xls": b"\xd0\xcf\x11\xe0" + bytes(50),
    "old.xlsb": "hello",
    "false.parquet": "hello",
    "false.csv.gz": "hello",
    "false.zip": "hello",
    "no-service.csv": ONE.replace("service,", "what,"),
    "unknown-service.csv": ONE.replace("Bank", "Bnak"),
    "negative.csv": ONE.replace(",5,", ",-5,"),
    "decimals.csv": ONE.replace(",5,", ",1.5,"),
    "no-day.csv": ONE.replace("2026-03-02", "2026-02-30"),
    "late.csv": ONE.replace("2026-03-02", "2027-03-02"),
    "copy.csv": ONE + ONE.splitlines()[1] + "\n",
    "unit.csv": ONE.replace("loss", "loss (만원)"),
    "two-losses.csv": ONE.replace("region\n", "region,Loss\n").replace("x\n", "x,6\n"),
    "negative-count.csv": COUNTS.replace("4000", "-4000"),
    "no-band.csv": COUNTS.replace(">500000", "big"),
    "unstated.csv": ONE.replace(",5,", ",,"),
    "free.csv": FREE,
    "dollar.csv": FREE.replace(",12\n", ",$12\n"),
    "two-currencies.csv": FREE.replace("loss\n", "loss (원/EUR)\n"),
    "won-in-euros.csv": FREE.replace("loss\n", "loss (EUR)\n").replace(",12\n", ",12 KRW\n"),
    "two-days.csv": FREE.replace("2026-01-15", "03/04/2026").replace("2026-01-16", "05/06/2026"),
    "one-accent.csv": FREE.replace("App", "Genève").encode("cp1252"),
    "unnamed.csv": FREE.replace("service", "what failed"),
    "two-services.csv": FREE.replace("service,", "product,app name,")
    .replace("App", "App,Red")
    .replace("Web", "Web,Blue"),
    "names.csv": FREE.splitlines()[0] + "".join(f"\n{n},name {n} x,2026-01-15,5" for n in range(300)),
    "called.csv": FREE.replace("App", "010-1234-5678"),
    "in-words.csv": FREE.replace(",12\n", ",twelve\n").replace(",7\n", ",seven\n"),
    "persons.csv": ONE.replace(",x\n", ",010-1234-5678\n"),
    "mine/keep.txt": "mine",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of good and of bad inputs."""
    base = tmp_path_factory.mktemp("refusals")
    (base / "mine").mkdir()
    for name, content in FILES.items():
        (base / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return base


@pytest.fixture
def folder(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder as the working folder."""
    monkeypatch.chdir(files)
    return files


READ = "ingest --incident incident.toml"
TIERS = "--tiers 300000:30000,500000:50000"
CASES: list[tuple[str, int, tuple[str, ...]]] = [
    # usage: the argument or the value is named
    ("cost --as-of 2022-13-01", USAGE, ("--as-of", "2022-13-01")),
    ("cost --max-rejects lots", USAGE, ("--max-rejects", "lots")),
    ("cost --budget much", USAGE, ("--budget", "much")),
    ("cost --budget 0", USAGE, ("--budget", "'0'")),
    ("cost --draws 3", USAGE, ("--draws", "'3'")),
    ("cost --seed -1", USAGE, ("--seed", "-1")),
    ("cost --level 3", USAGE, ("--level", "'3'")),
    (f"cost own.csv {TIERS},500000:60000", USAGE, ("--tiers", "500000")),
    ("cost own.csv --tiers abc", USAGE, ("--tiers", "abc")),
    (f"cost own.csv {TIERS} --effort much", USAGE, ("effort", "much")),
    (f"cost own.csv {TIERS} --column service=nothing", USAGE, ("nothing",)),
    ("cost --policy kakao-2023", USAGE, ("kakao-2023", "kakao-2022")),
    ("cost --incident nowhere", USAGE, ("nowhere", "kakao-2022")),
    ("cost --policy kddi-2022", USAGE, ("kddi-2022", "JPY")),
    ("cost --incident incident.toml --policy yen.toml --claims list.csv", USAGE, ("JPY", "reading-2026")),
    ("cost --claims list.csv --counts counts.csv", USAGE, ("claim", "counts")),
    ("report --lang fr --out new", USAGE, ("'fr'", "ko")),
    ("report --formats docx --out new", USAGE, ("docx", "html")),
    ("report --out mine --force", USAGE, ("mine",)),
    ("cube list.csv --incident incident.toml --by colour", USAGE, ("colour", "region")),
    ("facts CL-99", USAGE, ("CL-99",)),
    ("facts --topic weather", USAGE, ("weather",)),
    ("verify .", USAGE, (".",)),
    ("verify nowhere", USAGE, ("nowhere",)),
    ("compare kakao-2022 kakao-2022", USAGE, ("policies",)),
    ("compare kakao-2022 kddi-2022", USAGE, ("kddi-2022", "JPY")),
    ("backtest kakao-2021", USAGE, ("kakao-2021",)),
    ("reserve --measure P81", USAGE, ("P81",)),
    ("scenarios --scenarios stress", USAGE, ("stress",)),
    ("reserve --handling maybe --draws 8192", USAGE, ("maybe",)),
    ("report --out /etc", USAGE, ("/etc", "is not a report")),
    ("policies show kddi-2022 --as-of 2022-01-01", USAGE, ("--as-of",)),
    ("policies show kddi-2022 --as-of soon", USAGE, ("soon",)),
    ("distribution --by ,", USAGE, ("--by",)),
    ("ingest list.csv --incident incident.toml --out kept.csv", USAGE, ("kept.csv", ".parquet")),
    # documents: the file and its line or key are named
    ("policies check broken.toml", USAGE, ("broken.toml", "line 10")),
    ("policies check overlap.toml", USAGE, ("overlap.toml", "cash", "290,000")),
    ("policies check gap.toml", USAGE, ("gap.toml", "cash", "310,000")),
    ("policies check mistyped.toml", USAGE, ("mistyped.toml", "publicon", "public_on")),
    ("policies check quoted.toml", USAGE, ("quoted.toml", "up_to")),
    ("assumptions above-one.toml", USAGE, ("above-one.toml", "line ", "filing", "between 0 and 1")),
    ("incidents no-service.toml", USAGE, ("no-service.toml", "service")),
    (
        "cost --incident incident.toml --policy policy.toml --ledger kakao-2022 --claims list.csv",
        USAGE,
        ("kakao-2022", "reading-2026"),
    ),
    # data: file, row, column and value are named
    ("ingest nowhere.csv", DATA, ("nowhere.csv",)),
    (f"{READ} empty.csv", DATA, ("empty.csv",)),
    (f"{READ} header.csv", DATA, ("header.csv",)),
    (f"{READ} binary.csv", DATA, ("binary.csv",)),
    (f"{READ} picture.png", DATA, ("picture.png", ".csv")),
    (f"{READ} false.xlsx", DATA, ("false.xlsx",)),
    (f"{READ} old.xls", DATA, ("old.xls", "save it as .xlsx")),
    (f"{READ} old.xlsb", DATA, ("old.xlsb", "save it as .xlsx")),
    (f"{READ} false.parquet", DATA, ("false.parquet",)),
    (f"{READ} false.csv.gz", DATA, ("false.csv.gz",)),
    (f"{READ} false.zip", DATA, ("false.zip",)),
    (f"{READ} mine", DATA, ("mine",)),
    (f"{READ} no-service.csv", DATA, ("no-service.csv", "row 1", "service")),
    (f"{READ} unknown-service.csv", DATA, ("unknown-service.csv", "row 2", "service", "Bank")),
    (f"{READ} negative.csv", DATA, ("negative.csv", "row 2", "loss", "-5")),
    (f"{READ} decimals.csv", DATA, ("decimals.csv", "row 2", "loss", "1.5")),
    (f"{READ} no-day.csv", DATA, ("no-day.csv", "row 2", "filed_on", "2026-02-30")),
    (f"{READ} late.csv", DATA, ("late.csv", "row 2", "filed_on", "2027-03-02")),
    (f"{READ} copy.csv", DATA, ("copy.csv", "row 3", "2")),
    (f"{READ} unit.csv", DATA, ("unit.csv", "만원")),
    (f"{READ} two-losses.csv", DATA, ("two-losses.csv", "loss", "Loss")),
    (f"{READ} list.csv list.csv", DATA, ("list.csv",)),
    (
        "cost --incident incident.toml --policy policy.toml --counts negative-count.csv",
        DATA,
        ("negative-count.csv", "row 2", "claims", "-4000"),
    ),
    (
        "cost --incident incident.toml --policy policy.toml --counts no-band.csv",
        DATA,
        ("no-band.csv", "row 3", "band", "big"),
    ),
    (
        "cost --incident incident.toml --policy policy.toml --counts overlap.csv",
        DATA,
        ("overlap.csv", "(0, 300000]", "(200000, 500000]"),
    ),
    (f"{READ} list.csv negative.csv --max-rejects 50%", DATA, ("negative.csv",)),
    (
        "report --incident incident.toml --policy policy.toml --claims negative.csv --out new",
        DATA,
        ("negative.csv", "row 2", "loss", "-5"),
    ),
    # privacy
    ("cube persons.csv --incident incident.toml --by region", PRIVACY, ("region",)),
    ("ingest persons.csv --incident incident.toml --out kept.parquet", PRIVACY, ("region",)),
    # the model has no answer
    ("cost --as-of 2022-10-01", MODEL, ("--as-of", "2022-10-01")),
    ("distribution --fit", MODEL, ("synthetic",)),
    ("solve --vary nothing.tier1 --budget 5000", USAGE, ("nothing", "small-business-cash")),
    ("solve --vary small-business-cash.tier1.up_to --budget 5000000000", USAGE, ("tier1.up_to",)),
    ("compare kakao-2022 kakao-candidate-cash --as-of 2022-12-30", MODEL, ("kakao-candidate-cash",)),
    (
        "solve unstated.csv --incident incident.toml --policy policy.toml --vary cash.tier1 --budget 100",
        MODEL,
        ("'cash'",),
    ),
    # the environment
    ("scenarios --as-of 2022-10-20 --ledger kakao-2022-10-24 --draws 8192", MODEL, ()),
    ("reserve --ledger kakao-2023-06-30 --handling inside --draws 8192", MODEL, ("handling",)),
    ("report --out list.csv/deeper --formats csv --draws 8192", ENVIRONMENT, ("deeper",)),
    ("policies new a --out list.csv/a.toml", ENVIRONMENT, ("a.toml",)),
    ("cube list.csv --incident incident.toml --out nowhere/cube.parquet", ENVIRONMENT, ("cube.parquet",)),
]
SELF_EVIDENT = (
    *("nowhere.csv", "empty.csv", "header.csv", "false.parquet", "false.csv.gz", "false.zip", "kept.csv"),
    *("broken.toml", "500000:60000", "nowhere/cube.parquet", "list.csv/", "--claims list.csv --counts"),
    *("negative-count.csv", "above-one.toml"),
)
"""Parts of commands whose refusal gives no remedy, because the place and the problem say it."""


@pytest.mark.parametrize(("command", "code", "places"), CASES, ids=[case[0] for case in CASES])
def test_bad_input_ends_with_its_exit_code_on_one_line_with_the_place_and_a_remedy(
    folder: Path, command: str, code: int, places: tuple[str, ...]
) -> None:
    before = sorted(folder.rglob("*"))
    told = refused(code, places, *shlex.split(command))
    assert re.search(r"[.?] [A-Z]", told) or any(part in command for part in SELF_EVIDENT), "no remedy"
    assert sorted(folder.rglob("*")) == before


def test_a_budget_that_nothing_stays_within_is_a_refusal_in_json_too() -> None:
    done = outage_analysis(
        *["solve", "--vary", "small-business-cash.tier1", "--step", "10000", "--budget", "1", "--json"]
    )
    assert (done.code, json.loads(done.out)["budget"]) == (MODEL, 1)
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "command", ["nonsense", "cost --nonsense", "ingest", "verify", "policies show", "solve"]
)
def test_a_command_that_does_not_exist_or_lacks_an_argument_is_wrong_usage(command: str) -> None:
    done = outage_analysis(*command.split())
    assert (done.code, done.out) == (USAGE, "")
    assert command.rsplit(maxsplit=1)[-1] in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "command",
    [
        "policies check policy.toml",
        "assumptions ledger.toml",
        "incidents incident.toml",
        "ingest list.csv --incident incident.toml",
        "cost --incident incident.toml --policy policy.toml --counts counts.csv",
    ],
)
@pytest.mark.usefixtures("folder")
def test_the_same_inputs_without_a_mistake_are_accepted(command: str) -> None:
    answered(*command.split())


@pytest.mark.slow
def test_a_report_that_is_there_is_replaced_only_by_force_and_what_is_no_report_never(folder: Path) -> None:
    words = "report --incident incident.toml --policy policy.toml --claims list.csv --formats csv --out there"
    command = (*words.split(), "--draws", "8192")
    answered(*command)
    before = file_contents(folder / "there")
    refused(USAGE, ("there", "--force"), *command, "--lang", "ko")
    assert file_contents(folder / "there") == before
    answered(*command, "--lang", "ko", "--force")
    assert file_contents(folder / "there")["manifest.json"] != before["manifest.json"]
    (folder / "there" / "notes.txt").write_text("mine")
    refused(USAGE, ["there"], *command, "--force")
    assert (folder / "there" / "notes.txt").read_text() == "mine"


def test_too_many_rejects_are_refused_and_the_allowed_share_is_kept(folder: Path) -> None:
    lines = PLAIN.splitlines()
    (folder / "rejects.csv").write_text("\n".join([*lines, "013,c1,nothing,person,2026-03-02,5,x"]), "utf-8")
    command = ("ingest", "rejects.csv", "--incident", "incident.toml")
    refused(DATA, ("rejects.csv", "row 14", "service", "--max-rejects"), *command)
    assert outage_analysis(*command, "--max-rejects", "7%").code == DATA  # 1 of 13 is 7.7 %
    assert outage_analysis(*command, "--max-rejects", "8%").code == 0
    (folder / "rejects.csv").unlink()


@pytest.mark.usefixtures("folder")
def test_claims_without_a_stated_loss_give_bounds_and_no_expected_cost() -> None:
    command = "cost --incident incident.toml --policy policy.toml --claims unstated.csv"
    totals = json_of(*command.split())["totals"]
    (cash,) = (total for total in totals if (total["basis"], total["valuation"]) == ("claims", "cash"))
    assert (cash["low"], cash["expected"], cash["high"]) == (0, None, 50_000)


# --- Python -------------------------------------------------------------------------------------------------

PYTHON: dict[str, tuple[Callable[[Path], Any], int, tuple[str, ...]]] = {
    "no currency": (lambda f: oa.read_claims(f / "free.csv"), USAGE, ("currency",)),
    "a dollar that may be of several countries": (
        lambda f: oa.read_claims(f / "dollar.csv"),
        USAGE,
        ("currenc",),
    ),
    "won under a header in euros": (
        lambda f: oa.read_claims(f / "won-in-euros.csv"),
        USAGE,
        ("won-in-euros.csv", "EUR", "KRW"),
    ),
    "two currencies": (lambda f: oa.read_claims(f / "two-currencies.csv"), USAGE, ("currenc",)),
    "two encodings": (
        lambda f: oa.read_claims(f / "one-accent.csv", currency="KRW"),
        DATA,
        ("one-accent.csv", "cp1252", "cp1250"),
    ),
    "days in two orders": (
        lambda f: oa.read_claims(f / "two-days.csv", currency="KRW"),
        USAGE,
        ("two-days.csv", "dmy", "mdy"),
    ),
    "no column of services": (
        lambda f: oa.read_claims(f / "unnamed.csv", currency="KRW"),
        USAGE,
        ("unnamed.csv", "service", "what failed"),
    ),
    "a column that is not there": (
        lambda f: oa.read_claims(f / "unnamed.csv", currency="KRW", columns={"service": "what fialed"}),
        USAGE,
        ("what fialed", "what failed"),
    ),
    "two columns of services": (
        lambda f: oa.read_claims(f / "two-services.csv", currency="KRW"),
        USAGE,
        ("several columns", '"product", "app name"'),
    ),
    "too many services": (
        lambda f: oa.read_claims(f / "names.csv", currency="KRW"),
        DATA,
        ("300 different values, too many for a service",),
    ),
    "a person as a service": (
        lambda f: oa.read_claims(f / "called.csv", currency="KRW"),
        DATA,
        ("holds personal data, so it is no service",),
    ),
    "amounts in words": (
        lambda f: oa.read_claims(f / "in-words.csv", currency="EUR", columns={"loss": "loss"}),
        USAGE,
        ("no format that is known for loss. Known: plain, grouped",),
    ),
    "a fact that is none": (
        lambda f: oa.read_claims(f / "free.csv", currency="KRW", columns={"servce": "service"}),
        USAGE,
        ("the outage cannot be derived",),
    ),
    "facts beside an incident": (
        lambda f: oa.read_claims(f / "list.csv", f / "incident.toml", currency="KRW"),
        USAGE,
        ("the incident states this already", "currency"),
    ),
    "a part of an id that is not there": (
        lambda f: oa.read_claims(
            f / "list.csv",
            f / "incident.toml",
            layouts=[Layout(computed={"claim_id": ("service", "nowhere")})],
        ),
        DATA,
        ("list.csv", "nowhere", "claim_id"),
    ),
    "no files": (
        lambda f: oa.read_claims([], f / "incident.toml"),
        USAGE,
        ("no file of complaints was named",),
    ),
    "a share beyond one": (
        lambda f: oa.read_claims(f / "list.csv", f / "incident.toml", max_rejects=1.1),
        USAGE,
        ("max_rejects is a share between 0 and 1",),
    ),
    "no share": (
        lambda f: oa.read_claims(f / "list.csv", f / "incident.toml", max_rejects=float("nan")),
        USAGE,
        ("max_rejects is a share between 0 and 1",),
    ),
    "no such file": (lambda f: oa.read_claims(f / "nowhere.csv"), DATA, ("nowhere.csv",)),
    "no such incident": (lambda _: oa.load_incident("kakao-2021"), USAGE, ("kakao-2021", "kakao-2022")),
    "no such policy": (lambda _: oa.load_policy("kakao-2021"), USAGE, ("kakao-2021", "kakao-2022")),
    "overlapping tiers": (lambda f: oa.load_policy(f / "overlap.toml"), USAGE, ("overlap.toml", "290,000")),
    "a negative loss": (
        lambda f: oa.read_claims(f / "negative.csv", oa.load_incident(f / "incident.toml")),
        DATA,
        ("negative.csv", "row 2", "loss", "-5"),
    ),
    "no such dimension": (
        lambda f: oa.read_claims(f / "list.csv", f / "incident.toml").by("colour"),
        USAGE,
        ("colour", "region"),
    ),
    "edges that fall": (
        lambda f: oa.read_claims(f / "list.csv", f / "incident.toml").by(bands=[5, 3]),
        USAGE,
        ("3",),
    ),
    "persons": (
        lambda f: oa.read_claims(f / "persons.csv", f / "incident.toml").by("region"),
        PRIVACY,
        ("region",),
    ),
    "a cost of no public count": (lambda _: oa.run(as_of="2022-10-01"), MODEL, ("2022-10-01",)),
    "draws with a fraction": (lambda _: oa.run(draws=1.5), USAGE, ("draws is a whole number",)),  # type: ignore[arg-type]
    "draws as a float": (lambda _: oa.run(draws=1024.0), USAGE, ("draws is a whole number",)),  # type: ignore[arg-type]
    "a seed with a fraction": (lambda _: oa.run(seed=1.5), USAGE, ("seed is a whole number",)),  # type: ignore[arg-type]
    "a seed of letters": (lambda _: oa.run(seed="x"), USAGE, ("seed is a whole number",)),  # type: ignore[arg-type]
    "a budget that is text": (lambda _: oa.run(budget="much"), USAGE, ("budget", "much")),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", PYTHON)
def test_python_refuses_with_the_same_exit_codes_and_names_the_place(folder: Path, name: str) -> None:
    call, code, places = PYTHON[name]
    with refuses(code) as refusal:
        call(folder)
    assert [place for place in places if place not in str(refusal.value)] == [], str(refusal.value)
    assert str(refusal.value).isprintable()


# --- remedies -----------------------------------------------------------------------------------------------

ADVISED: dict[str, tuple[str, ...]] = {
    "new": ("new", "mine", "--claims", "half.csv", "--tiers", "300000:30000", "--currency", "KRW"),
    "ingest": ("ingest", "half.csv", "--incident", "incident.toml"),
    "cost": ("cost", "half.csv", "--tiers", "300000:30000", "--currency", "KRW"),
    "no currency": ("report", "half.csv", "--tiers", "300000:30000"),
    "no policy": ("cost", "--incident", "incident.toml"),
    "another ledger": ("cost", "--incident", "trams", "--policy", "trams", "--ledger", "kakao-2022"),
    "a quantile": ("cost", "--policy", "trams", "--incident", "trams", "--draws", "16"),
    "an old day": ("cost", "--as-of", "2020-01-01"),
    "a report is there": ("report", "--out", "there"),
}
"""What is wrong -> a command whose remedy may name an option."""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: complaints, the same with broken rows, and a folder that is no report."""
    monkeypatch.chdir(tmp_path)
    for name in ("list.csv", "incident.toml"):
        (tmp_path / name).write_bytes(str(FILES[name]).encode())
    broken = [line.replace("2026-03", "2026-99") for line in PLAIN.splitlines()[1:6]]
    (tmp_path / "half.csv").write_text("\n".join([PLAIN.strip(), *broken, ""]), "utf-8")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("")
    return tmp_path


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ADVISED)
def test_a_remedy_names_only_options_that_the_command_has(name: str) -> None:
    done = outage_analysis(*ADVISED[name])
    assert done.code != 0
    named = set(re.findall(r"--[a-z][a-z-]+", done.err))
    known = set(re.findall(r"--[a-z][a-z-]+", outage_analysis(ADVISED[name][0], "--help").out))
    assert named <= known | {"--memory", "--threads", "--temp"}, done.err
    assert not re.search(r"\b(max_rejects|currency|columns|ledger|as_of)=", done.err)


@pytest.mark.usefixtures("own")
def test_remedies_in_python_name_arguments() -> None:
    asked: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: oa.read_claims("half.csv", "incident.toml"), "max_rejects=0.3"),
        (lambda: oa.read_claims("half.csv"), 'currency="KRW"'),
        (lambda: oa.run(oa.read_claims("list.csv", "incident.toml")), "policy="),
    )
    for ask, argument in asked:
        with pytest.raises(Exception, match=r"Name it|max_rejects|Give one") as refusal:
            ask()
        assert argument in str(refusal.value)
        assert "--" not in str(refusal.value)
