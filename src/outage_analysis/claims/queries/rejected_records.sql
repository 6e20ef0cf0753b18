-- One row per rejected record of one text file, with its place in bytes, in file order.
select source_row, byte_offset, byte_length
from checked_rows
where file_number = $number and len(broken) > 0
union all
select source_row, byte_offset, byte_length
from unreadable
where file_number = $number
order by source_row
