"""The stored table of classes left out one by one is what the rule gives."""

from __future__ import annotations

from tests.studies import left_out_one_by_one as study


def test_the_stored_table_is_what_the_rule_gives() -> None:
    written = study.PAGE.read_text("utf-8")
    assert study.renewed(written) == written, "run `make docs`"
