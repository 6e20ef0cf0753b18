-- One row per file and text of a loss without a digit: the first row that has it.
-- Such a text may be a unit that the file states.
select file_number, min(source_row) as row, raw_loss
from parsed_rows
where loss is null and not regexp_matches(raw_loss, '[0-9]')
group by all
order by all
