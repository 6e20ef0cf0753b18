"""Create a project from templates, synthetic claims and notebooks; open its notebooks in JupyterLab."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import unicodedata
from decimal import Decimal
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import polars as pl

from outage_analysis.analysis import Plan, load_documents
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import (
    atomic_folder,
    bundled_ids,
    recover_interrupted,
    spelling_hint,
    temporary_folder,
)
from outage_analysis.jupyter.notebook import REMEDY, SUFFIX, bundled_notebook, notebook_names, replace_values
from outage_analysis.policies import decimal_places, load_policy
from outage_analysis.text import LANGUAGES, Locale

TARGET_PATHS = {"gitignore": ".gitignore", "welcome.md": "notebooks/welcome.md"}
"""Template -> its path in the project, for templates with another path or name."""
LOSS_EDGES = {"minutes": (60, 180), "hours": (4, 24), "days": (1, 3)}
"""Unit of losses that are not money -> the two band edges of the example policy."""
MONEY_EDGES = (300_000, 500_000)
"""The two band edges of the example policy if losses are money, in the smallest currency unit."""
MAX_ID_LENGTH, MAX_NAME_LENGTH, MAX_PATH_LENGTH = 48, 120, 4096
MARKUP_CHARACTERS = re.compile(r"[\\`*_\[\]<>&~$#@]|:(?=//)")
"""Characters with a meaning in Markdown, HTML or mathematics; they are escaped in headings."""


WELCOME = "welcome.md"
SETTINGS: dict[str, dict[str, object]] = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
"""Overrides of JupyterLab's default settings; settings that the user has saved take precedence."""


def new_project(
    folder: str | Path, *, name: str = "", currency: str = "KRW", lang: str = "en", loss_unit: str = ""
) -> Path:
    """Create a project in a new folder. The same arguments give the same files, byte for byte.

    If an error occurs, no file is left behind.

    Args:
        folder: the folder of the project; its name in lower case becomes the id of the outage.
        name: display name of the outage; by default derived from the id.
        currency: ISO code of the currency of losses and payments.
        lang: language of charts, tables and reports, en or ko.
        loss_unit: minutes, hours or days, if claims state a time instead of an amount; by default the
            currency.

    Returns:
        The absolute path of the folder.

    Raises:
        UsageError: the folder exists, its name contains no valid id, or an argument is invalid.
        EnvironmentFailed: the files could not be written.
    """
    place = Path(folder).absolute()
    id_ = _outage_id(place.name)
    display_name = name or id_.replace("-", " ").replace("_", " ").capitalize()
    if not display_name.isprintable() or not display_name.strip() or len(display_name) > MAX_NAME_LENGTH:
        raise UsageError(
            f"the name must be printable text of at most {MAX_NAME_LENGTH} characters", value=display_name
        )
    if not re.fullmatch("[A-Z]{3}", currency):
        raise UsageError("is not a currency code", value=currency, remedy="Write three letters, as in EUR.")
    Locale(lang)  # This refuses an unknown language.
    unit = "" if loss_unit == currency else loss_unit
    if unit and unit not in LOSS_EDGES:
        remedy = f"{spelling_hint(unit, [*LOSS_EDGES])} Without the option, losses are in {currency}."
        raise UsageError("no project can be made for this unit of losses", value=unit, remedy=remedy)
    if place.exists() or place.is_symlink():
        raise UsageError("exists already", file=folder, remedy="Name a new folder.")
    recover_interrupted(place)
    with atomic_folder(place) as part:
        _write_files(part, id_, display_name.strip(), currency, lang, unit)
        load_documents(Plan(part / "incident.toml", part / "policy.toml", part / "ledger.toml"))
        load_policy(part / "alternative.toml")
    return place


def _outage_id(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    id_ = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:MAX_ID_LENGTH].rstrip("-_")
    if not id_:
        problem = "the folder's name gives no valid id for the outage"
        remedy = "Use letters a to z and digits, as in tram-2031; a Korean name goes into --name."
        raise UsageError(problem, value=name, remedy=remedy)
    if id_ in bundled_ids("incidents"):
        raise UsageError("is the id of a bundled outage", value=id_, remedy="Choose another folder name.")
    return id_


def _write_files(folder: Path, id_: str, name: str, currency: str, lang: str, loss_unit: str) -> None:
    from jinja2 import Environment, StrictUndefined

    digits, in_money, korean = decimal_places(currency), not loss_unit, currency == "KRW"
    scale = int(10**digits)
    budget = 6_000_000 // scale  # in the main currency unit; somewhat above the expected cost
    edges = LOSS_EDGES.get(loss_unit, MONEY_EDGES)
    claims = pl.read_csv((files(__package__) / "sample_claims.csv").read_bytes(), infer_schema=False)
    loss_name = ("Reported loss", "신고 손실액") if in_money else ("Time without service", "이용 불가 시간")
    values = {
        "id": id_,
        "title": MARKUP_CHARACTERS.sub(lambda match: f"&#{ord(match[0])};", name),
        "name": json.dumps(name, ensure_ascii=False),
        "currency": currency,
        "digits": digits,
        "zone": "Asia/Seoul" if korean else "UTC",
        "offset": "+09:00" if korean else "+00:00",
        "as_of": "2026-02-28",  # after the last day to claim; fixed, so that new projects are reproducible
        "budget": f"{budget:_}",
        "lang": lang,
        "in_money": in_money,
        "loss_unit": loss_unit or currency,
        "loss_name": dict(zip(LANGUAGES, loss_name, strict=True)),
        "losses_in": f"{currency}, with decimals if necessary" if in_money else f"whole {loss_unit}",
        "low_edge": f"{edges[0]:_}",
        "high_edge": f"{edges[1]:_}",
        "rows": claims.height,
        "thirty": f"{30_000 / scale:,.{digits}f} {currency}",
    }
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)  # noqa: S701 - no HTML
    for template in (files(__package__) / "project_template").iterdir():
        text = environment.from_string(template.read_text("utf-8")).render(values)
        _write_text(folder / TARGET_PATHS.get(template.name, template.name), text)
    whole = (m if m in (None, "0") else f"{Decimal(m).scaleb(-digits):f}" for m in claims["money"])
    loss = claims[loss_unit] if loss_unit else pl.Series(whole, dtype=pl.String)
    sample = claims.with_columns(money=loss).rename({"money": "loss"}).drop("minutes", "hours", "days")
    _write_text(folder / "claims" / "sample-synthetic.csv", sample.write_csv())
    parameters = {  # Paths are relative to the notebooks' folder.
        "incident": "../incident.toml",
        "policy": "../policy.toml",
        "ledger": "../ledger.toml",
        "files": "../claims",
        "as_of": None,  # the as-of day of the ledger
        "lang": lang,
        "bands": [0, *(edge // scale if in_money else edge for edge in edges)],
        "payment": 40_000 // scale,
        "budget": budget,
        "intake": None,
        "options": ["../alternative.toml"],
    }
    for file in notebook_names():
        notebook = json.loads(bundled_notebook(file, lang).read_text("utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":  # the outputs come from the bundled case
                cell |= {"outputs": [], "execution_count": None}
            if "parameters" in cell["metadata"].get("tags", ()):
                source = replace_values("".join(cell["source"]), parameters)
                cell["source"] = source.splitlines(keepends=True)
        text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
        _write_text(folder / "notebooks" / f"{file}{SUFFIX}", text)


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def open_lab(folder: str | Path, *, port: int | None = None, browser: bool = True) -> None:
    """Run JupyterLab on a folder of notebooks until the user stops it.

    Args:
        folder: the folder of the notebooks. If it contains a welcome.md, JupyterLab opens this file.
        port: the port of the server; by default 8888, or the next free one.
        browser: whether to open a browser.

    Raises:
        UsageError: the folder does not exist or has no notebook.
        EnvironmentFailed: the notebooks extra is not installed.
    """
    place = Path(folder)
    if not place.is_dir() or not any(place.glob(f"*{SUFFIX}")):
        problem = "has no notebook" if place.is_dir() else "no such folder of notebooks"
        raise UsageError(problem, file=place, remedy="Make a project: outage-analysis new DIR")
    if find_spec("jupyterlab") is None:
        raise EnvironmentFailed("jupyterlab is not installed", remedy=REMEDY)
    from jupyterlab.labapp import LabApp

    if hasattr(signal, "SIGPIPE"):  # SIGPIPE would stop the server if a browser tab is closed.
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    bin_ = Path(sys.executable).parent  # This folder contains the command `outage-analysis`.
    os.environ["PATH"] = os.pathsep.join((str(bin_), os.environ.get("PATH", os.defpath)))
    with temporary_folder() as own:
        (own / "overrides.json").write_text(json.dumps(SETTINGS), "utf-8")
        LabApp.launch_instance(_lab_arguments(place.absolute(), own, port=port, browser=browser))


def _lab_arguments(folder: Path, own: Path, *, port: int | None, browser: bool) -> list[str]:
    # The user's own settings and tab layout do not change: those of this server are in the folder `own`.
    # In a project, serve the whole project folder: users edit its TOML files between runs of a notebook.
    root = folder.parent if (folder.parent / "incident.toml").is_file() else folder
    start = folder / WELCOME if (folder / WELCOME).is_file() else folder
    tree = quote(start.relative_to(root).as_posix())
    options = {
        "ServerApp.root_dir": root,
        "ServerApp.open_browser": browser,
        "LabApp.default_url": "/lab" if start == root else f"/lab/tree/{tree}",
        "LabApp.app_settings_dir": own,
        "LabApp.workspaces_dir": own / "workspaces",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.news_url": None,
        "LabApp.extension_manager": "readonly",
        # Containers often run as root. The server listens on this machine only and requires a token.
        "ServerApp.allow_root": os.name == "posix" and os.geteuid() == 0,
        **({} if port is None else {"ServerApp.port": port, "ServerApp.port_retries": 0}),
    }
    return [f"--{key}={value}" for key, value in options.items()]
