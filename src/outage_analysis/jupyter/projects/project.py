"""A new project: its pages from templates, its claims made up, its notebooks set to both."""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from random import Random

from outage_analysis.analysis import Plan, load_documents
from outage_analysis.errors import UsageError, one_line
from outage_analysis.files import ids, notebooks_root, put_in_place, recover
from outage_analysis.jupyter.export.notebook_files import names
from outage_analysis.jupyter.export.parameters import restated
from outage_analysis.policies import decimal_places, load_policy
from outage_analysis.text import LANGUAGES

ELSEWHERE = {"gitignore": ".gitignore", "welcome.md": "notebooks/welcome.md"}
"""The templates of files that do not stand in the project itself under their own names."""
AS_OF = "2026-02-28"
"""The day of the example, after the last day to claim: no clock's, so that a project is always the same."""
BUDGET = 6_000_000
"""Of the example, in the smallest unit: somewhat above what its policy is expected to cost."""
LONGEST_ID, LONGEST_NAME, LONGEST_PATH = 48, 120, 4096
ACTS = re.compile(r"[\\`*_\[\]<>&~$#@]|:(?=//)")
"""What Markdown, HTML or mathematics would take for more than a letter, in a heading."""
BLANK = re.compile("[\\s\u034f\u115f\u1160\u2800\u3164\uffa0\ufe00-\ufe0f]*")
"""Signs that count as printable and show nothing."""


@dataclass(frozen=True)
class Project:
    """What tells a project from another."""

    id: str
    name: str
    currency: str = "KRW"
    lang: str = "en"
    """Of charts, tables and reports; the notebooks' own prose is in English."""

    @property
    def digits(self) -> int:
        """Decimal places of the currency."""
        return decimal_places(self.currency)

    @property
    def budget(self) -> int:
        """The example of a budget, in whole currency."""
        return BUDGET // int(10**self.digits)

    @property
    def words(self) -> dict[str, object]:
        """What the templates ask for."""
        korean = self.currency == "KRW"
        return {
            "id": self.id,
            "title": ACTS.sub(lambda sign: f"&#{ord(sign[0])};", self.name),
            "name": json.dumps(self.name, ensure_ascii=False),
            "currency": self.currency,
            "digits": self.digits,
            "zone": "Asia/Seoul" if korean else "UTC",
            "offset": "+09:00" if korean else "+00:00",
            "as_of": AS_OF,
            "budget": f"{self.budget:_}",
            "lang": self.lang,
            "rows": ROWS,
            "thirty": f"{30_000 / 10**self.digits:,.{self.digits}f} {self.currency}",
        }

    @property
    def parameters(self) -> dict[str, object]:
        """The values of the notebooks' parameters: files from where the notebooks lie, the ledger's day."""
        return {
            "incident": "../incident.toml",
            "policy": "../policy.toml",
            "ledger": "../ledger.toml",
            "claims": "../claims",
            "as_of": None,
            "lang": self.lang,
            "budget": self.budget,
            "intake": None,
            "options": ["../alternative.toml"],
        }


def new_project(folder: str | Path, *, name: str = "", currency: str = "KRW", lang: str = "en") -> Path:
    """Make a project in a new or an empty folder, whole or not at all; equal arguments give equal bytes.

    Args:
        folder: where; its name, in small letters, is the id of the outage.
        name: what readers call the outage; by default the id in words.
        currency: ISO code of the currency of losses and payments.
        lang: the language of its charts, tables and reports, en or ko.

    Returns:
        The folder, by its whole path.

    Raises:
        UsageError: a folder with anything in it or whose name makes no id, or an argument that cannot be.
        EnvironmentFailed: the disk refused.
    """
    place = Path(folder).absolute()
    id_ = _id(place.name)
    called = name or id_.replace("-", " ").replace("_", " ").capitalize()
    project = Project(id_, _checked(called), currency, lang)
    if not re.fullmatch("[A-Z]{3}", currency):
        raise UsageError("is no code of a currency", value=currency, remedy="Write three letters, as in EUR.")
    if lang not in LANGUAGES:
        raise UsageError("no such language", value=lang, remedy="Known: " + ", ".join(LANGUAGES))
    _refuse_taken(place, folder)
    recover(place)
    with put_in_place(place) as part:
        _write(part, project)
        _read_back(part)
    return place


def typed(path: str | Path) -> str:
    """A path as one types it into a shell, where it is never an option; on one line, whatever it holds."""
    text = one_line(path, LONGEST_PATH)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def _id(name: str) -> str:
    """The id that a folder's name makes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    id_ = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:LONGEST_ID].rstrip("-_")
    if not id_:
        problem = "the folder's name makes no id of an outage"
        remedy = "Use letters a to z and digits, as in tram-2031; a Korean name goes into --name."
        raise UsageError(problem, value=name, remedy=remedy)
    if id_ in ids("incidents"):
        raise UsageError("is the id of a bundled outage", value=id_, remedy="Name the folder otherwise.")
    return id_


def _checked(name: str) -> str:
    if not name.isprintable() or len(name) > LONGEST_NAME or BLANK.fullmatch(name):
        problem = f"the name is no printable text of at most {LONGEST_NAME} characters"
        raise UsageError(problem, value=name)
    return name.strip()


def _refuse_taken(place: Path, told: str | Path) -> None:
    """Refuse a folder that holds anything, or in which the user stands: another takes its place."""
    if not place.exists() and not place.is_symlink():
        return
    if not place.is_dir() or place.is_symlink():
        raise UsageError("is no folder", file=told, remedy="Name a new folder.")
    if any(place.iterdir()):
        raise UsageError("is not empty", file=told, remedy="Name a new folder; nothing is ever overwritten.")
    if Path.cwd().is_relative_to(place):
        remedy = f"Run: cd .. && outage-analysis new {typed(place.name)}"
        raise UsageError("is the folder that you are in", file=told, remedy=remedy)


def _write(folder: Path, project: Project) -> None:
    """Every file of a project."""
    for page in sorted(page.name for page in (files(__package__) / "template").iterdir()):
        _put(folder / ELSEWHERE.get(page, page), _filled(page, project))
    _put(folder / "claims" / "sample-synthetic.csv", sample(project.digits))
    for file, text in set_notebooks(project.parameters):
        _put(folder / "notebooks" / file, text)


def _read_back(folder: Path) -> None:
    """Every page, as a run reads it: a project that could not run is none."""
    load_documents(Plan(folder / "incident.toml", folder / "policy.toml", folder / "ledger.toml"))
    load_policy(folder / "alternative.toml")


def _filled(template: str, project: Project) -> str:
    from jinja2 import Environment, StrictUndefined

    text = (files(__package__) / "template" / template).read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - no HTML
    return environment.from_string(text).render(project.words)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def set_notebooks(parameters: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Each bundled notebook's file name and text, the values in its cell of parameters replaced.

    A parameter that a notebook does not have is left out; everything else stays as it is, to the byte.
    """
    for name in names():
        file = f"{name}.ipynb"
        page = json.loads((notebooks_root() / file).read_text("utf-8"))
        for cell in page["cells"]:
            if "parameters" in cell["metadata"].get("tags", ()):
                text = restated("".join(cell["source"]), parameters)
                cell["source"] = text.splitlines(keepends=True)
        yield file, json.dumps(page, ensure_ascii=False, indent=1) + "\n"


ROWS = 400
SEED = 20260115
FIRST_DAY = date(2026, 1, 15)
DAYS = 31
HEAD = "claim_id,claimant_id,service,claimant_type,filed_on,loss,region,synthetic\n"
SERVICES = {"app": 5, "payments": 3, "messaging": 2}
REGIONS = {"capital": 5, "north": 2, "south": 2, "islands": 1}
AGAIN = 0.04
"""The share of claims made by somebody who claimed before."""


@dataclass(frozen=True)
class Claimants:
    """Claimants of one type, and the losses that they tell."""

    type: str
    share: float
    median: int
    """In the smallest unit of the currency."""
    sigma: float


CLAIMANTS = (Claimants("general_user", 0.6, 30_000, 1.0), Claimants("small_business", 0.4, 300_000, 1.2))
ZERO, UNKNOWN = 0.05, 0.15
"""The shares of claims that name no loss, and none at all."""


def sample(digits: int) -> str:
    """The claims as CSV, losses with the decimals of the currency; equal arguments give equal text."""
    rng = Random(SEED)  # noqa: S311 - made-up rows, no secret
    days = sorted(FIRST_DAY + timedelta(int(DAYS * rng.random() ** 2)) for _ in range(ROWS))
    people: list[tuple[str, Claimants]] = []
    rows: list[str] = []
    for number, day in enumerate(days, start=1):
        if people and rng.random() < AGAIN:
            who, kind = people[int(rng.random() * len(people))]
        else:
            who = f"p{len(people) + 1:04}"
            kind = CLAIMANTS[rng.random() >= CLAIMANTS[0].share]
            people.append((who, kind))
        service, region = _one_of(rng, SERVICES), _one_of(rng, REGIONS)
        loss = _told(rng, kind, digits)
        rows.append(f"s{number:04},{who},{service},{kind.type},{day},{loss},{region},true\n")
    return HEAD + "".join(rows)


def _one_of(rng: Random, weights: dict[str, int]) -> str:
    at = rng.random() * sum(weights.values())
    for word, weight in weights.items():
        at -= weight
        if at < 0:
            return word
    return word


def _told(rng: Random, kind: Claimants, digits: int) -> str:
    """A loss as somebody writes it: a round sum of two digits, none, or nothing."""
    known, drawn = rng.random(), rng.lognormvariate(0, kind.sigma)
    if known < UNKNOWN:
        return ""
    if known < UNKNOWN + ZERO:
        return "0"
    loss = int(kind.median * drawn)
    step = 10 ** max(len(str(loss)) - 2, 0)
    whole, part = divmod(round(loss / step) * step, 10**digits)
    return f"{whole}.{part:0{digits}}" if digits else str(whole)
