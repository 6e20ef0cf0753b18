-- One row per remaining claim and rule that it breaks without being rejected.
-- Placeholders: `source` is the table of these rows for the original claims; `accepted` is the table of the
-- remaining claims.
select noted.*
from {source} as noted
semi join {accepted} as kept on kept.file_number = noted.file_number and kept.source_row = noted.source_row
