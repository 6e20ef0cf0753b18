"""One tree of errors; each class carries the exit code that the command line returns."""

from __future__ import annotations

from typing import ClassVar

REPORT_BUG = "This is a mistake of ours: please report it with the file's layout."


def one_line(text: object, limit: int = 200) -> str:
    """Text from outside, made safe for one line of a terminal: control characters are escaped."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


class OutageAnalysisError(Exception):
    """What went wrong, where, and what to do about it, on one line.

    Args:
        problem: what is wrong, without a final full stop.
        file: the file concerned.
        row: its row (the header of a CSV is row 1).
        line: its line, for a page of text.
        column: the column or key concerned.
        value: the offending value, shown as received.
        remedy: what the user can do.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        problem: str,
        *,
        file: object = None,
        row: int | None = None,
        line: int | None = None,
        column: str | None = None,
        value: object = None,
        remedy: str = "",
    ) -> None:
        self.problem, self.file, self.row, self.line = problem, file, row, line
        self.column, self.value, self.remedy = column, value, remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        where = [
            one_line(self.file) if self.file is not None else "",
            f"row {self.row:,}" if self.row is not None else "",
            f"line {self.line:,}" if self.line is not None else "",
            one_line(self.column) if self.column is not None else "",
        ]
        place = ", ".join(part for part in where if part)
        shown = f" (found '{one_line(self.value, 80)}')" if self.value is not None else ""
        line = (f"{place}: " if place else "") + one_line(self.problem, 560) + shown
        return f"{line}. {one_line(self.remedy, 400)}" if self.remedy else line


class VerificationFailed(OutageAnalysisError):
    """A figure or a file is not what it was said to be."""

    exit_code = 1


class UsageError(OutageAnalysisError):
    """A wrong option, id or TOML page."""

    exit_code = 2


class InputRefused(OutageAnalysisError):
    """The data cannot be read, or too much of it was rejected."""

    exit_code = 3


class DisclosureBlocked(OutageAnalysisError):
    """A privacy rule forbids the export."""

    exit_code = 4


class ModelRefused(OutageAnalysisError):
    """The model declines to answer rather than guess."""

    exit_code = 5


class EnvironmentFailed(OutageAnalysisError):
    """Disk, font, permission or server."""

    exit_code = 6


def check_level(level: float) -> None:
    """Refuse what is no level of an interval, wherever one is asked for.

    Raises:
        UsageError: outside 0 to 1, or at an end.
    """
    if not 0 < level < 1:
        raise UsageError(
            "a level lies between 0 and 1, ends excluded", value=level, remedy="Write 95% or 0.95."
        )
