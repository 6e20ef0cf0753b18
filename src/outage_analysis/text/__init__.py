"""Text: values and texts go in; texts in the reader's language, and SQL that parses texts, come out.

Modules:
    locale: labels, numbers, amounts, dates, loss bands and the likely range in English and Korean
    notations: SQL that parses amounts, days and times of day; the lists of words that are recognised
    stated_units: what a header says about currency, scale and unit of time; amounts in the smallest unit
    display: cards and tables as text and HTML; the sentences and tables with which a result answers
    encodings: detects the encoding of a text file, and converts the file to UTF-8
    fonts: the bundled fonts and the characters that they contain
    personal_data: finds and masks personal data
    table_schema: the columns of a table with data type, unit, label and description; shared columns
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.text.display import (
        MAX_CARD_ROWS,
        TRANSLATORS,
        Answer,
        Card,
        Displayable,
        Result,
        ShortRepr,
        ShownTable,
        Table,
        answer_card,
        band_expression,
        currency_if_converted,
        first_rows,
        format_amounts,
        html_table,
        shown_tables,
        synthetic_mark,
        text_table,
        whole_counts,
        wrap_text,
    )
    from outage_analysis.text.encodings import (
        COMPRESSIONS,
        TextFile,
        as_utf8,
        expanded_copy,
        known_encoding,
        line_number,
        original_offsets,
    )
    from outage_analysis.text.locale import (
        ALL_DIGITS,
        CHART_STEPS,
        DEFAULT_LEVEL,
        LANGUAGES,
        LEAST_LEVEL,
        MEDIAN,
        MOST_LEVEL,
        PERCENTILES,
        LikelyRange,
        Locale,
        Note,
        capitalized,
        in_units,
        percent,
        percentile_mark,
        percentile_measure,
        short_names,
    )
    from outage_analysis.text.notations import (
        AMOUNTS,
        COMMA_AMOUNTS,
        DATES,
        MONEY_UNITS,
        NEVER,
        SHORT_NOTATIONS,
        THOUSANDTHS,
        amount_sql,
        day_sql,
        has_time,
        has_time_sql,
        in_smallest_units,
        let_sql,
        listed_words,
        moment_sql,
        parse_day,
        smallest_units,
    )
    from outage_analysis.text.personal_data import (
        find_personal_data,
        has_personal_number,
        mask_personal_data,
        masked_name,
    )
    from outage_analysis.text.stated_units import (
        CURRENCY,
        CURRENCY_HEADERS,
        CURRENCY_WORDS,
        DECIMALS,
        MAX_SCALE,
        SCALES,
        UNKNOWN_CURRENCY,
        check_one_currency,
        checked_scale,
        rows_by_currency,
        scale_remedy,
        stated_unit,
        title_scale,
    )
    from outage_analysis.text.table_schema import (
        AMOUNT_KINDS,
        AMOUNT_STAGES,
        ESTIMATE_DIGITS,
        TABLE_DIGITS,
        UNITS,
        Column,
        TableSchema,
        Unit,
        UnitByRow,
        all_schemas,
        column_of,
        escape_formulas,
        matching_schema,
        scaled_parameters,
        schema_of,
        schemas_of,
    )
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
