"""Write a template of a policy document, from which users start their own policy."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.policies.policy import load_policy


def write_template(id_: str, currency: str, loss_unit: str, out: Path) -> Path:
    """Write a valid policy document with one cost line of every kind. Existing files are not overwritten.

    Raises:
        UsageError: the file exists, or the id, the currency or the unit is not allowed in a policy.
    """
    if out.exists():
        raise UsageError("exists already", file=out, remedy="Choose another --out.")
    if out.suffix != ".toml":
        raise UsageError("is not named .toml", file=out, remedy="Choose another --out.")
    text = (files(__package__) / "template.toml").read_text("utf-8")
    for value in (id_, currency, loss_unit):
        if not value.isprintable() or '"' in value or "\\" in value:
            raise UsageError("cannot be written into the document", value=value)
    # A share needs losses in money. If losses are minutes or days, the template uses an amount per period.
    second_band = (
        "  share = 0.1" if loss_unit == currency else "  rate = { amount = 50_000, every = 300_000 }"
    )
    document = text.format(id=id_, currency=currency, loss_unit=loss_unit, second_band=second_band)
    unchecked = out.with_name(f".{out.stem}-{os.getpid()}.toml")
    try:
        try:
            unchecked.write_text(document, "utf-8")
            load_policy(unchecked)
            unchecked.replace(out)
        finally:
            if unchecked.is_file():
                unchecked.unlink()
    except UsageError as error:
        error.file = "the new document"
        raise
    except OSError as error:
        raise EnvironmentFailed(f"cannot be written: {error.strerror}", file=out) from error
    return out
