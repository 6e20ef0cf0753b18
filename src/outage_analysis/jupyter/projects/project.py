"""Create a new project: TOML files from templates, synthetic claims, and notebooks that use both."""

from __future__ import annotations

import csv
import json
import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from random import Random

from outage_analysis.analysis import Plan, load_documents
from outage_analysis.errors import UsageError, one_line
from outage_analysis.files import (
    atomic_folder,
    bundled_ids,
    recover_interrupted,
    spelling_hint,
)
from outage_analysis.jupyter.export.notebook_files import bundled_notebook, notebook_names
from outage_analysis.jupyter.export.parameters import replace_values
from outage_analysis.policies import decimal_places, load_policy
from outage_analysis.text import LANGUAGES

TARGET_PATHS = {"gitignore": ".gitignore", "welcome.md": "notebooks/welcome.md"}
"""Template -> its path in the project, for templates with another path or name."""
AS_OF = "2026-02-28"
"""As-of day of the example, after the last day to claim; fixed, so that new projects are reproducible."""
BUDGET = 6_000_000
"""Budget of the example in the smallest currency unit, somewhat above its expected cost."""
LOSS_EDGES = {"minutes": (60, 180), "hours": (4, 24), "days": (1, 3)}
"""Unit of losses that are not money -> the two band edges of the example policy."""
MONEY_EDGES = (300_000, 500_000)
"""The two band edges of the example policy if losses are money, in the smallest currency unit."""
TOTALS = "totals-synthetic.csv"
"""The file of totals in a project without claims."""
MAX_ID_LENGTH, MAX_NAME_LENGTH, MAX_PATH_LENGTH = 48, 120, 4096
MARKUP_CHARACTERS = re.compile(r"[\\`*_\[\]<>&~$#@]|:(?=//)")
"""Characters with a meaning in Markdown, HTML or mathematics; they are escaped in headings."""
INVISIBLE = re.compile("[\\s\u034f\u115f\u1160\u2800\u3164\uffa0\ufe00-\ufe0f]*")
"""A name that consists of printable but invisible characters only."""


@dataclass(frozen=True)
class Project:
    """The settings of a new project, from which its files are written."""

    id: str
    name: str
    currency: str = "KRW"
    lang: str = "en"
    """Language of charts, tables and reports, and of the prose of translated notebooks."""
    loss_unit: str = ""
    """Unit of the losses if they are not money: minutes, hours or days."""
    counted: bool = False
    """Whether the project has totals by service, claimant type and loss band instead of claims."""

    @property
    def edges(self) -> tuple[int, int]:
        """The two band edges of the example policy, in the smallest unit of the losses."""
        return LOSS_EDGES.get(self.loss_unit, MONEY_EDGES)

    @property
    def digits(self) -> int:
        """The number of decimal places of the currency."""
        return decimal_places(self.currency)

    @property
    def loss_divisor(self) -> int:
        """The number of smallest units per whole unit of losses: 100 cents per euro, or 1 for minutes."""
        return 1 if self.loss_unit else int(10**self.digits)

    @property
    def budget(self) -> int:
        """The example budget of a new project, in the main currency unit (euros, not cents)."""
        return BUDGET // int(10**self.digits)

    @property
    def template_values(self) -> dict[str, object]:
        """The values that replace the variables in the templates of the project's files."""
        korean = self.currency == "KRW"
        in_money = not self.loss_unit
        loss_name = (
            ("Reported loss", "신고 손실액") if in_money else ("Time without service", "이용 불가 시간")
        )
        return {
            "id": self.id,
            "title": MARKUP_CHARACTERS.sub(lambda match: f"&#{ord(match[0])};", self.name),
            "name": json.dumps(self.name, ensure_ascii=False),
            "currency": self.currency,
            "digits": self.digits,
            "zone": "Asia/Seoul" if korean else "UTC",
            "offset": "+09:00" if korean else "+00:00",
            "as_of": AS_OF,
            "budget": f"{self.budget:_}",
            "lang": self.lang,
            "counted": self.counted,
            "in_money": in_money,
            "loss_unit": self.loss_unit or self.currency,
            "loss_name": dict(zip(LANGUAGES, loss_name, strict=True)),
            "losses_in": f"{self.currency}, with decimals if necessary"
            if in_money
            else f"whole {self.loss_unit}",
            "low_edge": f"{self.edges[0]:_}",
            "high_edge": f"{self.edges[1]:_}",
            "rows": ROWS,
            "thirty": f"{30_000 / 10**self.digits:,.{self.digits}f} {self.currency}",
        }

    @property
    def parameters(self) -> dict[str, object]:
        """The parameter values of the project's notebooks; paths are relative to the notebooks' folder.

        `as_of` is None, which stands for the as-of day of the ledger.
        """
        return {
            "incident": "../incident.toml",
            "policy": "../policy.toml",
            "ledger": "../ledger.toml",
            "files": "../claims",
            "as_of": None,
            "lang": self.lang,
            "bands": [0, *(edge // self.loss_divisor for edge in self.edges)],
            "payment": 40_000 // 10**self.digits,
            "budget": self.budget,
            "intake": None,
            "options": ["../alternative.toml"],
        }


def new_project(
    folder: str | Path,
    *,
    name: str = "",
    currency: str = "KRW",
    lang: str = "en",
    loss_unit: str = "",
    counted: bool = False,
) -> Path:
    """Create a project in a new or empty folder. The same arguments give the same bytes.

    If an error occurs, no file is left behind.

    Args:
        folder: the folder of the project; its name in lower case becomes the id of the outage.
        name: display name of the outage; by default derived from the id.
        currency: ISO code of the currency of losses and payments.
        lang: language of charts, tables and reports, en or ko.
        loss_unit: minutes, hours or days, if claims state a time instead of an amount; by default the
            currency.
        counted: whether to start from totals by service, claimant type and loss band instead of claims. Such
            a project has no notebooks, because they read single claims.

    Returns:
        The absolute path of the folder.

    Raises:
        UsageError: the folder is not empty, its name contains no valid id, or an argument is invalid.
        EnvironmentFailed: the files could not be written.
    """
    place = Path(folder).absolute()
    id_ = _id(place.name)
    display_name = name or id_.replace("-", " ").replace("_", " ").capitalize()
    unit = "" if loss_unit == currency else loss_unit
    project = Project(id_, _check_name(display_name), currency, lang, unit, counted)
    if not re.fullmatch("[A-Z]{3}", currency):
        raise UsageError("is not a currency code", value=currency, remedy="Write three letters, as in EUR.")
    if lang not in LANGUAGES:
        raise UsageError("no such language", value=lang, remedy="Known: " + ", ".join(LANGUAGES))
    if unit and unit not in LOSS_EDGES:
        remedy = f"{spelling_hint(unit, [*LOSS_EDGES])} Without the option, losses are in {currency}."
        raise UsageError("no project can be made for this unit of losses", value=unit, remedy=remedy)
    _check_folder(place, folder)
    recover_interrupted(place)
    with atomic_folder(place) as part:
        _write_files(part, project)
        _check_documents(part)
    return place


def shell_path(path: str | Path) -> str:
    """Quote a path for a shell command. A path that begins with a hyphen gets the prefix `./`.

    Without the prefix, the shell command would read the path as an option.
    """
    text = one_line(path, MAX_PATH_LENGTH)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def _id(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    id_ = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:MAX_ID_LENGTH].rstrip("-_")
    if not id_:
        problem = "the folder's name gives no valid id for the outage"
        remedy = "Use letters a to z and digits, as in tram-2031; a Korean name goes into --name."
        raise UsageError(problem, value=name, remedy=remedy)
    if id_ in bundled_ids("incidents"):
        raise UsageError("is the id of a bundled outage", value=id_, remedy="Choose another folder name.")
    return id_


def _check_name(name: str) -> str:
    if not name.isprintable() or len(name) > MAX_NAME_LENGTH or INVISIBLE.fullmatch(name):
        problem = f"the name must be printable text of at most {MAX_NAME_LENGTH} characters"
        raise UsageError(problem, value=name)
    return name.strip()


def _check_folder(place: Path, argument: str | Path) -> None:
    if not place.exists() and not place.is_symlink():
        return
    if not place.is_dir() or place.is_symlink():
        raise UsageError("is not a folder", file=argument, remedy="Name a new folder.")
    if any(place.iterdir()):
        raise UsageError(
            "is not empty", file=argument, remedy="Name a new folder; nothing is ever overwritten."
        )
    if Path.cwd().is_relative_to(place):
        remedy = f"Run: cd .. && outage-analysis new {shell_path(place.name)}"
        raise UsageError("is the folder that you are in", file=argument, remedy=remedy)


def _write_files(folder: Path, project: Project) -> None:
    omitted = {"welcome.md"} if project.counted else set[str]()
    templates = {file.name for file in (files(__package__) / "template").iterdir()} - omitted
    for template in sorted(templates):
        _write_text(folder / TARGET_PATHS.get(template, template), _render_template(template, project))
    sample = sample_claims_csv(project.digits, project.loss_unit)
    if project.counted:
        _write_text(
            folder / TOTALS, totals_csv(sample, project.edges, 0 if project.loss_unit else project.digits)
        )
        return
    _write_text(folder / "claims" / "sample-synthetic.csv", sample)
    for file, text in notebooks_with_parameters(project.parameters, project.lang):
        _write_text(folder / "notebooks" / file, text)


def _check_documents(folder: Path) -> None:
    load_documents(Plan(folder / "incident.toml", folder / "policy.toml", folder / "ledger.toml"))
    load_policy(folder / "alternative.toml")


def _render_template(template: str, project: Project) -> str:
    from jinja2 import Environment, StrictUndefined

    text = (files(__package__) / "template" / template).read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)  # noqa: S701 - no HTML
    return environment.from_string(text).render(project.template_values)


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def notebooks_with_parameters(
    parameters: Mapping[str, object], lang: str = "en"
) -> Iterator[tuple[str, str]]:
    """Yield the file name and text of each bundled notebook, with new parameter values and without outputs.

    Parameters that a notebook does not have are ignored. The outputs are left out, because they come from
    the bundled case.

    Args:
        parameters: parameter -> new value.
        lang: the language of the prose; notebooks without a translation are in English.
    """
    for name in notebook_names():
        notebook = json.loads(bundled_notebook(name, lang).read_text("utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"outputs": [], "execution_count": None}
            if "parameters" in cell["metadata"].get("tags", ()):
                text = replace_values("".join(cell["source"]), parameters)
                cell["source"] = text.splitlines(keepends=True)
        yield f"{name}.ipynb", json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


ROWS = 400
SEED = 20260115
FIRST_DAY = date(2026, 1, 15)
DAYS = 31
HEADER = "claim_id,claimant_id,service,claimant_type,filed_on,loss,region,synthetic\n"
SERVICES = {"app": 5, "payments": 3, "messaging": 2}
REGIONS = {"capital": 5, "north": 2, "south": 2, "islands": 1}
REPEAT_SHARE = 0.04
"""Share of claims by a person who has claimed before."""


@dataclass(frozen=True)
class ClaimantGroup:
    """The claimants of one type, with the lognormal distribution of their reported losses."""

    type: str
    share: float
    medians: dict[str, int]
    """Unit of the losses -> median loss; the unit "" is the smallest unit of the currency."""
    sigma: float


CLAIMANT_GROUPS = (
    ClaimantGroup("general_user", 0.6, {"": 30_000, "minutes": 45, "hours": 3, "days": 1}, 1.0),
    ClaimantGroup("small_business", 0.4, {"": 300_000, "minutes": 90, "hours": 8, "days": 2}, 1.2),
)
ZERO, UNKNOWN = 0.05, 0.15
"""Shares of claims with a loss of 0, and of claims without a stated loss."""


def sample_claims_csv(digits: int, loss_unit: str = "") -> str:
    """Return synthetic claims as CSV. The text depends only on the arguments.

    Args:
        digits: the decimal places of the currency.
        loss_unit: minutes, hours or days; empty if losses are money.
    """
    rng = Random(SEED)  # noqa: S311 - synthetic rows, not a secret
    days = sorted(FIRST_DAY + timedelta(int(DAYS * rng.random() ** 2)) for _ in range(ROWS))
    people: list[tuple[str, ClaimantGroup]] = []
    rows: list[str] = []
    for number, day in enumerate(days, start=1):
        if people and rng.random() < REPEAT_SHARE:
            who, kind = people[int(rng.random() * len(people))]
        else:
            who = f"p{len(people) + 1:04}"
            kind = CLAIMANT_GROUPS[rng.random() >= CLAIMANT_GROUPS[0].share]
            people.append((who, kind))
        service, region = _weighted_choice(rng, SERVICES), _weighted_choice(rng, REGIONS)
        loss = _reported_loss(rng, kind, digits, loss_unit)
        rows.append(f"s{number:04},{who},{service},{kind.type},{day},{loss},{region},true\n")
    return HEADER + "".join(rows)


def _weighted_choice(rng: Random, weights: dict[str, int]) -> str:
    remaining = rng.random() * sum(weights.values())
    for name, weight in weights.items():
        remaining -= weight
        if remaining < 0:
            return name
    return name


def totals_csv(claims: str, edges: tuple[int, int], digits: int) -> str:
    """Count claims by service, claimant type and loss band, as CSV for the option `--counts`.

    Args:
        claims: the claims, as CSV.
        edges: the two band edges between positive losses, in the smallest unit of the losses.
        digits: the decimal places of the losses in the CSV.
    """
    low, high = edges
    bands = {"unknown": 0, "0": 1, f"(0, {low}]": 2, f"({low}, {high}]": 3, f">{high}": 4}
    counts = Counter[tuple[str, str, str]]()
    for row in csv.DictReader(claims.splitlines()):
        band = "unknown"
        if row["loss"]:
            loss = int(Decimal(row["loss"]).scaleb(digits))
            upper = "0" if loss == 0 else f"(0, {low}]" if loss <= low else f"({low}, {high}]"
            band = upper if loss <= high else f">{high}"
        counts[row["service"], row["claimant_type"], band] += 1
    lines = sorted(counts.items(), key=lambda item: (*item[0][:2], bands[item[0][2]]))
    rows = [f'{service},{kind},"{band}",{count}\n' for (service, kind, band), count in lines]
    return "service,claimant_type,band,claims\n" + "".join(rows)


def _reported_loss(rng: Random, kind: ClaimantGroup, digits: int, loss_unit: str) -> str:
    stated, factor = rng.random(), rng.lognormvariate(0, kind.sigma)
    if stated < UNKNOWN:
        return ""
    if stated < UNKNOWN + ZERO:
        return "0"
    if loss_unit:
        return str(max(round(kind.medians[loss_unit] * factor), 1))
    loss = int(kind.medians[""] * factor)
    step = 10 ** max(len(str(loss)) - 2, 0)
    whole, part = divmod(round(loss / step) * step, 10**digits)
    return f"{whole}.{part:0{digits}}" if digits else str(whole)
