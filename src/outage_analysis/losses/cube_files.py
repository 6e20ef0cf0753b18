"""Save cubes as Parquet files, with metadata on the incident, the input files and the synthetic mark."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from outage_analysis.claims import PARQUET_SUFFIX, Claims, check_synthetic_name, parquet_metadata
from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_file
from outage_analysis.losses.cube import Cube


def save_cube(cube: Cube, claims: Claims, path: str | Path) -> None:
    """Save a cube as a Parquet file in one atomic step; equal cubes give equal bytes.

    A row may count only one claim, so the file must not be published.

    Args:
        cube: the cube.
        claims: the claims from which the cube was built.
        path: the file to write; an existing file is replaced.

    Raises:
        UsageError: the suffix is not .parquet, or the cube is synthetic and its file name does not contain
            "synthetic".
        EnvironmentFailed: the file cannot be written.
    """
    path = Path(path)
    if path.suffix != PARQUET_SUFFIX:
        raise UsageError(f"is not {PARQUET_SUFFIX}", file=path.name)
    check_synthetic_name(path, synthetic=cube.synthetic)
    with atomic_file(path) as part:
        # Let polars write to memory, not to disk: on a full disk, polars would report a wrong file format.
        buffer = BytesIO()
        cube.frame.write_parquet(buffer, compression="zstd", metadata=parquet_metadata(claims))
        part.write_bytes(buffer.getvalue())
