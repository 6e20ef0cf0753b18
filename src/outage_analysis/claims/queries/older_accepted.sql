-- One row per claim of the opened warehouse file, if its version has no column `filed_at`.
select *, cast(null as timestamptz) as filed_at
from opened.main.accepted
