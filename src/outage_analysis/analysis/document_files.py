"""Write the TOML documents of an analysis that was started without them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from outage_analysis.analysis.plan import Plan, RunArguments, load_documents, make_plan
from outage_analysis.claims import Claims
from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_folder, document_text

OPENINGS = {
    "incident": "What failed, when and for whom, and how the complaint files write it.",
    "policy": "What is promised to whom. Amounts are whole numbers in the smallest unit of the currency.",
    "ledger": "Every uncertain input. Replace rates of comparable schemes by your own when you have them.",
}
"""Name of a document -> the comment at its beginning."""


def scaffold(
    folder: str | Path,
    claims: Claims | str | Path | Sequence[str | Path] | None = None,
    **arguments: Unpack[RunArguments],
) -> Path:
    """Write incident.toml, policy.toml and ledger.toml for the arguments of `run` into a new folder.

    An analysis with these documents gives the same figures as `run` with these arguments.

    Args:
        folder: a new or empty folder. It appears only after all files are written.
        claims: the claims or complaint files, as in `run`.
        arguments: the other arguments of `run`, such as `tiers`.

    Returns:
        The absolute path of the folder.

    Raises:
        UsageError: the folder has files, or an argument is invalid.
        EnvironmentFailed: the folder cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as place:
        ...     folder = scaffold(Path(place) / "mine", tiers={300_000: 30_000})
        ...     sorted(path.name for path in folder.iterdir())
        ['incident.toml', 'ledger.toml', 'policy.toml']
    """
    return write_documents(make_plan(claims, **arguments), folder)


def write_documents(plan: Plan, folder: str | Path) -> Path:
    """Write the TOML documents of a plan into a new folder; ledger.toml only if the plan has a ledger.

    Raises:
        UsageError: the folder has files, or a document is invalid.
        EnvironmentFailed: the folder cannot be written.
    """
    target = Path(folder).resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError("is not empty", file=folder, remedy="Name a new folder; nothing is overwritten.")
    incident, policy, ledger = load_documents(plan)
    with atomic_folder(target) as part:
        for name, document in (("incident", incident), ("policy", policy), ("ledger", ledger)):
            if document is not None:
                text = f"# {OPENINGS[name]}\n{document_text(document)}"
                (part / f"{name}.toml").write_text(text, "utf-8", newline="\n")
    return target
