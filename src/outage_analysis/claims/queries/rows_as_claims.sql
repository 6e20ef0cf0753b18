-- One row per claim: each row of a table as often as the claims it stands for, numbered by `copy`.
-- Placeholders: `table` is the table; `place` is its rowid before a comma, or an empty string.
select {place}*, unnest(range(1, coalesce(count, 1) + 1)) as copy
from {table}
