"""Load the bundled complaint files, which are synthetic, for teaching and for trying out the package."""

from __future__ import annotations

from typing import Literal

from outage_analysis.claims.claims_and_rejects import Claims
from outage_analysis.claims.ingestion import read_claims
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import bundled_claims, spelling_hint
from outage_analysis.incidents import load_incident

SAMPLES = {"kakao": "kakao-2022", "trams": "trams"}
"""Name of a sample -> the id of its incident."""


def load_sample(name: Literal["kakao", "trams"] = "kakao") -> Claims:
    """Load bundled synthetic claims.

    Both samples are marked as synthetic in every table, chart and report. They show how the package works and
    are not findings about an outage.

    Args:
        name: `kakao` has 105,116 complaints about the Kakao outage of 2022, whose published counts they
            match; losses are in won. `trams` has 360 complaints about an invented tram outage; losses are
            minutes of delay, and payments are in euros.

    Raises:
        UsageError: there is no such sample.

    Example:
        >>> import outage_analysis as oa
        >>> claims = oa.load_sample("trams")
        >>> claims.synthetic, len(claims)
        (True, 360)
    """
    if name not in SAMPLES:
        raise UsageError("no such sample", value=name, remedy=spelling_hint(str(name), list(SAMPLES)))
    incident = SAMPLES[name]
    path = bundled_claims(incident)
    if path is None:
        raise EnvironmentFailed(
            f"the bundled claims of {incident} are missing", remedy="Install the package again."
        )
    return read_claims(path, load_incident(incident))
