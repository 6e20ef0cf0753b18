"""Text: values go in; text in the reader's language comes out, and the other way round.

Modules:
    locale: words, numbers, dates and bands in English and Korean
    amounts: parses amounts
    dates: parses dates
    notation: a named way to write amounts or dates
    display: objects as text and HTML
    text_tables: tables as lines of text
    encodings: decides the encoding of a text file
    fonts: the bundled fonts and what they cover
    personal_data: finds and masks personal data
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.text.amounts import AMOUNTS as AMOUNTS
    from outage_analysis.text.amounts import THOUSANDTHS as THOUSANDTHS
    from outage_analysis.text.amounts import amount_sql as amount_sql
    from outage_analysis.text.dates import DATES as DATES
    from outage_analysis.text.dates import day_sql as day_sql
    from outage_analysis.text.display import MOST_ROWS as MOST_ROWS
    from outage_analysis.text.display import Card as Card
    from outage_analysis.text.display import Displayable as Displayable
    from outage_analysis.text.display import Table as Table
    from outage_analysis.text.display import first as first
    from outage_analysis.text.display import grid as grid
    from outage_analysis.text.display import style_of as style_of
    from outage_analysis.text.encodings import COMPRESSIONS as COMPRESSIONS
    from outage_analysis.text.encodings import TextFile as TextFile
    from outage_analysis.text.encodings import as_utf8 as as_utf8
    from outage_analysis.text.encodings import original_offsets as original_offsets
    from outage_analysis.text.locale import LANGUAGES as LANGUAGES
    from outage_analysis.text.locale import SHORT as SHORT
    from outage_analysis.text.locale import STATED as STATED
    from outage_analysis.text.locale import Locale as Locale
    from outage_analysis.text.locale import capital as capital
    from outage_analysis.text.locale import in_units as in_units
    from outage_analysis.text.locale import short as short
    from outage_analysis.text.notation import NEVER as NEVER
    from outage_analysis.text.personal_data import found as found
    from outage_analysis.text.personal_data import masked as masked
    from outage_analysis.text.personal_data import shown as shown
    from outage_analysis.text.text_tables import TextTable as TextTable
    from outage_analysis.text.text_tables import wrapped as wrapped

__getattr__, __dir__ = lazy_exports(__name__, __file__)
