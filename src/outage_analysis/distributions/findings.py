"""What a synthetic cube may not be asked: anything that a reader would take for a finding."""

from __future__ import annotations

from outage_analysis.cube import Cube
from outage_analysis.errors import ModelRefused


def refuse_synthetic(cube: Cube, what: str, *, recovery: bool) -> None:
    """Refuse a finding from synthetic claims, unless it is asked for as a test of recovery.

    Args:
        cube: the cube that is asked.
        what: the finding, with its article: "a fit", "a comparison".
        recovery: whether the caller says that the answer only tells what the generator was given.

    Raises:
        ModelRefused: the cube is synthetic and `recovery` is not set.
    """
    if cube.synthetic and not recovery:
        raise ModelRefused(
            f"{what} of synthetic claims would be no finding",
            file=cube.source,
            remedy="Give real claims, or say recovery=True (--recovery): the answer then only recovers what "
            "the generator was given.",
        )
