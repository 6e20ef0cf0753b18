"""Errors are one line and carry the exit code of the command."""

from __future__ import annotations

import pytest

from outage_analysis import errors
from outage_analysis.errors import InputRefused, OutageAnalysisError, one_line


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("OutageAnalysisError", 1),
        ("VerificationFailed", 1),
        ("UsageError", 2),
        ("InputRefused", 3),
        ("DisclosureBlocked", 4),
        ("ModelRefused", 5),
        ("EnvironmentFailed", 6),
    ],
)
def test_each_class_has_its_exit_code(name: str, code: int) -> None:
    error = getattr(errors, name)("went wrong")
    assert (isinstance(error, OutageAnalysisError), error.exit_code) == (True, code)


def test_an_error_reads_as_place_problem_value_and_remedy_as_far_as_they_are_known() -> None:
    error = InputRefused(
        "loss is negative", file="a.csv", row=1234, column="loss", value="-5", remedy="Fix it."
    )
    assert str(error) == "a.csv, row 1,234, loss: loss is negative (found '-5'). Fix it."
    assert str(InputRefused("went wrong")) == "went wrong"
    assert str(InputRefused("went wrong", row=0, value=0)) == "row 0: went wrong (found '0')"
    texts = {"카카오톡 300,000원": "카카오톡 300,000원", "x" * 201: "x" * 199 + "…", "x" * 200: "x" * 200}
    assert {text: one_line(text) for text in texts} == texts


@pytest.mark.parametrize(
    "hostile",
    [
        "two\nlines",
        "carriage\rreturn",
        "\x1b[31mred\x1b[0m",
        "nul\0byte",
        "line\u2028separator",
        "\u202eright to left",
        "next\x85line",
        "lone \ud800 surrogate",
        "x" * 10_000,
        "\n" * 10_000,
    ],
)
def test_an_error_is_one_short_printable_line_whatever_it_holds(hostile: str) -> None:
    error = InputRefused(hostile, file=hostile, row=2, column=hostile, value=hostile, remedy=hostile)
    line = str(error)
    assert (line.isprintable(), len(line.splitlines()), len(line) < 1_500) == (True, 1, True)
    line.encode("utf-8")
