-- One row per file and text that names a currency in rows that are stored as text: the number of these rows.
-- The most frequent come first.
select file_number, currency, count(*) as rows
from text_rows
where currency is not null
group by all
order by file_number, rows desc, currency
