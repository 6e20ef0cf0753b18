"""The exceptions of the package. Each class sets the exit code of the command line."""

from __future__ import annotations

from contextvars import ContextVar
from typing import ClassVar

on_command_line: ContextVar[bool] = ContextVar("on_command_line", default=False)
"""Whether a command runs, so that remedies name its options in place of arguments of Python."""
REPORT_BUG = "This is a mistake of ours: please report it with the file's layout."


def either(python: str, command: str) -> str:
    """Return the text for the interface in use: with arguments of Python, or with options of a command."""
    return command if on_command_line.get() else python


def one_line(text: object, limit: int = 200) -> str:
    """Return a text from outside the package as one line that is safe to print in a terminal.

    Control characters are escaped, and a text longer than `limit` is cut.
    """
    text_found = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return text_found if len(text_found) <= limit else text_found[: limit - 1] + "…"


class OutageAnalysisError(Exception):
    """Base class of all errors: one line states where the error occurred, what is wrong and what to do.

    Args:
        problem: what is wrong, without a final full stop.
        file: the file in which the error occurred.
        row: the row in the file (the header of a CSV is row 1).
        line: the line number in a text document.
        column: the name of the column or key.
        value: the invalid value, as received.
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
        text_found = f" (found '{one_line(self.value, 80)}')" if self.value is not None else ""
        line = (f"{place}: " if place else "") + one_line(self.problem, 560) + text_found
        return f"{line}. {one_line(self.remedy, 400)}" if self.remedy else line


class VerificationFailed(OutageAnalysisError):
    """A figure or a file differs from the value or checksum recorded for it."""


class UsageError(OutageAnalysisError):
    """The user gave an invalid option, id or TOML document."""

    exit_code = 2


class InputRefused(OutageAnalysisError):
    """The input data cannot be read, or too many input rows were rejected."""

    exit_code = 3


class DisclosureBlocked(OutageAnalysisError):
    """A privacy rule forbids the requested export."""

    exit_code = 4


class ModelRefused(OutageAnalysisError):
    """The model has too little information to compute a result."""

    exit_code = 5


class EnvironmentFailed(OutageAnalysisError):
    """The system prevents the operation: a problem with the disk, fonts, permissions or a server."""

    exit_code = 6


def check_level(level: float) -> None:
    """Raise an error if the level of an interval is not strictly between 0 and 1.

    Raises:
        UsageError: the level is 0 or less, or 1 or more.
    """
    if not 0 < level < 1:
        raise UsageError(
            "a level lies between 0 and 1, ends excluded", value=level, remedy="Write 95% or 0.95."
        )
