"""The command that verifies a report: its checksums, and that writing it again gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from outage_analysis.console import print_json, print_text, progress
from outage_analysis.errors import UsageError, VerificationFailed, one_line
from outage_analysis.options import Json

verification = typer.Typer()

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder that `report` wrote.")]
Only = Annotated[bool, typer.Option("--integrity", help="Only compare every file with its checksum.")]
Again = Annotated[
    bool, typer.Option("--rebuild", help="Only write the report again, and compare every byte.")
]
Claims = Annotated[
    list[Path] | None,
    typer.Option(
        help="Complaint file that the report was made from, found by its content; repeat for more. Bundled "
        "ones need not be named."
    ),
]


@verification.command()
def verify(
    folder: Folder,
    *,
    integrity: Only = False,
    rebuild: Again = False,
    claims: Claims = None,
    as_json: Json = False,
) -> None:
    """Verify a report: its files are as they were written, and its plan gives the same bytes again.

    The first file that differs is named, with the member, row or line, and the cause: environment, font,
    code, page, facts or data. Exit code 1 says that something differs. Example:

        outage-analysis verify build/report
    """
    from outage_analysis.reports import verifying

    if integrity and not rebuild and claims:
        raise UsageError("--claims is for a rebuild", remedy="Leave out --integrity.")
    both = integrity == rebuild
    try:
        with progress() as step:
            found = verifying.verify(
                folder,
                integrity=both or integrity,
                rebuild=both or rebuild,
                claims=claims or (),
                progress=step,
            )
    except VerificationFailed as failure:
        if as_json:
            where = {"file": failure.file, "row": failure.row, "line": failure.line, "place": failure.column}
            print_json({"verified": False, **where, "problem": failure.problem})
        raise
    if as_json:
        print_json({"verified": True, "files": found.files, "rebuilt": found.rebuilt, "notes": found.notes})
        return
    done = "written again, byte for byte" if found.rebuilt else "as the report wrote them"
    print_text(f"{found.files} files are {done}")
    for note in found.notes:
        print_text(f"differs, and changes no byte of them: {one_line(note)}")
