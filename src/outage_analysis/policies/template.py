"""A page to start a policy from."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.policies.policy import load_policy


def write_template(id_: str, currency: str, loss_unit: str, out: Path) -> Path:
    """Write a valid page with every kind of line; never over a file that is there.

    Raises:
        UsageError: the file exists, or an id, a currency or a unit that no policy may have.
    """
    if out.exists():
        raise UsageError("exists already", file=out, remedy="Choose another --out.")
    if out.suffix != ".toml":
        raise UsageError("is not named .toml", file=out, remedy="Choose another --out.")
    text = (files(__package__) / "template.toml").read_text("utf-8")
    for value in (id_, currency, loss_unit):
        if not value.isprintable() or '"' in value or "\\" in value:
            raise UsageError("cannot be written into the page", value=value)
    # A share is of money only; of minutes or days, an amount is paid for every so many.
    second = "  share = 0.1" if loss_unit == currency else "  rate = { amount = 50_000, every = 300_000 }"
    page = text.format(id=id_, currency=currency, loss_unit=loss_unit, second=second)
    unchecked = out.with_name(f".{out.stem}-{os.getpid()}.toml")
    try:
        try:
            unchecked.write_text(page, "utf-8")
            load_policy(unchecked)
            unchecked.replace(out)
        finally:
            if unchecked.is_file():
                unchecked.unlink()
    except UsageError as error:
        error.file = "the new page"
        raise
    except OSError as error:
        raise EnvironmentFailed(f"cannot be written: {error.strerror}", file=out) from error
    return out
