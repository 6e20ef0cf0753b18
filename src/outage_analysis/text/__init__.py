"""Text: values and texts go in; texts in the reader's language, and SQL that parses texts, come out.

Modules:
    locale: labels, numbers, dates and loss bands in English and Korean; short forms of names
    number_formats: numbers, shares and amounts as text
    likely_range: the likely range of a figure: its probabilities, and the names of its ends
    amounts: SQL that parses amounts
    currency_units: amounts of whole currency in the smallest unit
    stated_units: what a header says about currency, scale and unit of time
    dates: SQL that parses dates
    named_days: date formats with the name of a month, or without a year
    times: SQL that parses the time of day in dates
    display: cards and tables as text and HTML
    encodings: detects the encoding of a text file
    encoding_by_words: finds the encoding of a text by its words
    damaged_text: converts a file with invalid bytes to UTF-8
    fonts: the bundled fonts and the characters that they contain
    personal_data: finds and masks personal data
    table_schema: the columns of a table with data type, unit, label and description; shared columns
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.text.amounts import AMOUNTS as AMOUNTS
    from outage_analysis.text.amounts import COMMA_AMOUNTS as COMMA_AMOUNTS
    from outage_analysis.text.amounts import NEVER as NEVER
    from outage_analysis.text.amounts import THOUSANDTHS as THOUSANDTHS
    from outage_analysis.text.amounts import amount_sql as amount_sql
    from outage_analysis.text.amounts import let_sql as let_sql
    from outage_analysis.text.amounts import number_sql as number_sql
    from outage_analysis.text.currency_units import NO_DECIMALS as NO_DECIMALS
    from outage_analysis.text.currency_units import THREE_DECIMALS as THREE_DECIMALS
    from outage_analysis.text.currency_units import in_smallest_units as in_smallest_units
    from outage_analysis.text.currency_units import smallest_units as smallest_units
    from outage_analysis.text.dates import DATES as DATES
    from outage_analysis.text.dates import day_sql as day_sql
    from outage_analysis.text.display import MAX_CARD_ROWS as MAX_CARD_ROWS
    from outage_analysis.text.display import Card as Card
    from outage_analysis.text.display import Displayable as Displayable
    from outage_analysis.text.display import ShortRepr as ShortRepr
    from outage_analysis.text.display import Table as Table
    from outage_analysis.text.display import TextTable as TextTable
    from outage_analysis.text.display import cell_class as cell_class
    from outage_analysis.text.display import first_rows as first_rows
    from outage_analysis.text.display import html_table as html_table
    from outage_analysis.text.display import wrap_text as wrap_text
    from outage_analysis.text.encoding_by_words import known_encoding as known_encoding
    from outage_analysis.text.encodings import COMPRESSIONS as COMPRESSIONS
    from outage_analysis.text.encodings import TextFile as TextFile
    from outage_analysis.text.encodings import as_utf8 as as_utf8
    from outage_analysis.text.encodings import line_number as line_number
    from outage_analysis.text.encodings import original_offsets as original_offsets
    from outage_analysis.text.likely_range import DEFAULT_LEVEL as DEFAULT_LEVEL
    from outage_analysis.text.likely_range import LEAST_LEVEL as LEAST_LEVEL
    from outage_analysis.text.likely_range import MEDIAN as MEDIAN
    from outage_analysis.text.likely_range import MOST_LEVEL as MOST_LEVEL
    from outage_analysis.text.likely_range import PERCENTILE_MEASURES as PERCENTILE_MEASURES
    from outage_analysis.text.likely_range import LikelyRange as LikelyRange
    from outage_analysis.text.likely_range import percent as percent
    from outage_analysis.text.likely_range import percentile_mark as percentile_mark
    from outage_analysis.text.likely_range import percentile_measure as percentile_measure
    from outage_analysis.text.likely_range import percentile_probability as percentile_probability
    from outage_analysis.text.locale import ALL_DIGITS as ALL_DIGITS
    from outage_analysis.text.locale import CHART_STEPS as CHART_STEPS
    from outage_analysis.text.locale import LANGUAGES as LANGUAGES
    from outage_analysis.text.locale import Locale as Locale
    from outage_analysis.text.locale import capitalized as capitalized
    from outage_analysis.text.locale import short_names as short_names
    from outage_analysis.text.number_formats import in_units as in_units
    from outage_analysis.text.personal_data import find_personal_data as find_personal_data
    from outage_analysis.text.personal_data import has_personal_number as has_personal_number
    from outage_analysis.text.personal_data import mask_personal_data as mask_personal_data
    from outage_analysis.text.personal_data import masked_name as masked_name
    from outage_analysis.text.stated_units import CURRENCIES as CURRENCIES
    from outage_analysis.text.stated_units import CURRENCY as CURRENCY
    from outage_analysis.text.stated_units import CURRENCY_HEADERS as CURRENCY_HEADERS
    from outage_analysis.text.stated_units import CURRENCY_WORDS as CURRENCY_WORDS
    from outage_analysis.text.stated_units import MAX_SCALE as MAX_SCALE
    from outage_analysis.text.stated_units import SCALES as SCALES
    from outage_analysis.text.stated_units import UNKNOWN_CURRENCY as UNKNOWN_CURRENCY
    from outage_analysis.text.stated_units import check_one_currency as check_one_currency
    from outage_analysis.text.stated_units import checked_scale as checked_scale
    from outage_analysis.text.stated_units import rows_by_currency as rows_by_currency
    from outage_analysis.text.stated_units import scale_remedy as scale_remedy
    from outage_analysis.text.stated_units import stated_unit as stated_unit
    from outage_analysis.text.table_schema import ASSUMPTION as ASSUMPTION
    from outage_analysis.text.table_schema import ASSUMPTIONS as ASSUMPTIONS
    from outage_analysis.text.table_schema import BAND as BAND
    from outage_analysis.text.table_schema import BASIS as BASIS
    from outage_analysis.text.table_schema import CLAIMANT_TYPE as CLAIMANT_TYPE
    from outage_analysis.text.table_schema import CLAIMS as CLAIMS
    from outage_analysis.text.table_schema import ESTIMATE_DIGITS as ESTIMATE_DIGITS
    from outage_analysis.text.table_schema import FACTS as FACTS
    from outage_analysis.text.table_schema import FILED_HOUR as FILED_HOUR
    from outage_analysis.text.table_schema import FILED_ON as FILED_ON
    from outage_analysis.text.table_schema import FLOAT as FLOAT
    from outage_analysis.text.table_schema import INTEGER as INTEGER
    from outage_analysis.text.table_schema import KIND as KIND
    from outage_analysis.text.table_schema import LINE as LINE
    from outage_analysis.text.table_schema import LOSS as LOSS
    from outage_analysis.text.table_schema import LOSS_SQUARED as LOSS_SQUARED
    from outage_analysis.text.table_schema import MISSING as MISSING
    from outage_analysis.text.table_schema import OVER as OVER
    from outage_analysis.text.table_schema import PUBLIC_ON as PUBLIC_ON
    from outage_analysis.text.table_schema import RULE as RULE
    from outage_analysis.text.table_schema import SEGMENT as SEGMENT
    from outage_analysis.text.table_schema import SERVICE as SERVICE
    from outage_analysis.text.table_schema import SHARE_OF_CLAIMS as SHARE_OF_CLAIMS
    from outage_analysis.text.table_schema import STATUS as STATUS
    from outage_analysis.text.table_schema import TABLE_DIGITS as TABLE_DIGITS
    from outage_analysis.text.table_schema import UNITS as UNITS
    from outage_analysis.text.table_schema import UP_TO as UP_TO
    from outage_analysis.text.table_schema import VALUATION as VALUATION
    from outage_analysis.text.table_schema import Column as Column
    from outage_analysis.text.table_schema import TableSchema as TableSchema
    from outage_analysis.text.table_schema import Unit as Unit
    from outage_analysis.text.table_schema import UnitByRow as UnitByRow
    from outage_analysis.text.table_schema import escape_formulas as escape_formulas
    from outage_analysis.text.table_schema import matching_schema as matching_schema
    from outage_analysis.text.times import SHORT_NOTATIONS as SHORT_NOTATIONS
    from outage_analysis.text.times import has_time as has_time
    from outage_analysis.text.times import has_time_sql as has_time_sql
    from outage_analysis.text.times import moment_sql as moment_sql

__getattr__, __dir__ = lazy_exports(__name__, __file__)
