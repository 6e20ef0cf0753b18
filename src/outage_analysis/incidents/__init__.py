"""Incidents: TOML documents about an outage go in; typed documents and published facts come out.

Modules:
    incident: an outage: what failed, when and for whom; the columns, formats and units of complaint files;
        published counts of filed claims
    bands: loss bands, which state whether each edge is included
    published_facts: published figures with source, evidence grade and date; forecasts of the time;
        back-tests, that is, forecasts with the published outcomes to compare them with
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.incidents.bands import (
        GRID_PER_DECADE,
        LARGEST_CUT,
        LARGEST_LOSS,
        NEGATIVE,
        UNKNOWN,
        ZERO,
        Band,
        Bands,
        Closed,
        band_within,
        check_partition,
        holds_positive,
        log_grid,
        parse_band,
    )
    from outage_analysis.incidents.incident import (
        CANONICAL_COLUMNS,
        COUNT,
        FILED_AT,
        FORMAT_UNIT_PATTERN,
        REQUIRED_COLUMNS,
        RESERVED,
        ROW_ID,
        UNIT_PATTERN,
        ClaimDeadline,
        Dimension,
        FactId,
        Incident,
        IntakeSeries,
        Layout,
        NamedItem,
        claim_columns,
        layout_for,
        load_incident,
        load_intake,
        load_layout,
        normalized_name,
        unit_multiplier,
        with_encoding,
    )
    from outage_analysis.incidents.published_facts import (
        BacktestSpec,
        Fact,
        Outcome,
        Stage,
        TieOut,
        cites_fact_after,
        fact_exists,
        facts,
        facts_in_language,
        forecasts_and_payments,
        get_fact,
        ids_public_by,
        is_currency,
        load_backtest_spec,
        outcomes,
        published_rates,
        source_sites,
    )
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
