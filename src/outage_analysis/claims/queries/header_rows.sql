-- One row per rechecked row with a column header in place of a value: its byte offset and its cells.
-- Input: `header_words` are these words, each with its column.
-- Placeholder: `cells` are the columns of a complaint, as texts.
select file_number, source_row, byte_offset, {cells}
from parsed_rows
where
    raw_service in (select raw from header_words where meant = 'service')
    or raw_claimant_type in (select raw from header_words where meant = 'claimant_type')
    or raw_filed_on in (select raw from header_words where meant = 'filed_on')
    or raw_loss in (select raw from header_words where meant = 'loss')
