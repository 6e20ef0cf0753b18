-- One row per claim, with the columns of a warehouse file.
-- `filed_at` is the last column, because it is added at the end of warehouse files of an older version.
select * exclude (filed_at), filed_at
from main.accepted
