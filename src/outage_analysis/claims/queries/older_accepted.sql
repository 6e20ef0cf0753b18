-- One row per claim of the opened warehouse file, whose version keeps no time of filing.
select *, cast(null as timestamptz) as filed_at
from opened.main.accepted
