-- One row per complaint that was rechecked, with the rules that it breaks.
-- Among rows with the same id that break no other rule, the first is kept, even if it is in another file. The
-- others are copies if their content is the same, else repeated ids; `kept_file` and `kept_row` name the row
-- that is kept.
-- Input: `repeated_headers` are the rows that repeat the header of their file.
-- Placeholders: `header_again`, `copy` and `repeated` are the names of these rules; `broken` is a list that
-- holds the name of each rule that one row alone breaks; `dimensions` are the incident's dimensions, each
-- after a comma; `key` is the column that is the same in rows of the same complaint.
with adjusted as (
    select * replace (case when loss < 0 and $negative = 'zero' then 0 else loss end as loss)
    from parsed_rows
),
single as (
    select
        adjusted.*,
        case
            when repeated_headers.source_row is not null then [{header_again}]
            else list_filter([{broken}], lambda rule: rule is not null)
        end as broken_alone,
        hash(claimant_id, service, claimant_type, filed_on, filed_at, loss {dimensions}) as content
    from adjusted
    left join repeated_headers using (file_number, source_row)
),
ranked as (
    select
        file_number, source_row,
        first_value(file_number) over same_id as kept_file,
        first_value(source_row) over same_id as kept_row,
        case
            when first_value(content) over same_id = content then {copy} else {repeated}
        end as again
    from single
    where len(broken_alone) = 0
    window same_id as (partition by {key} order by file_number, source_row)
)
select
    single.* exclude (broken_alone, content),
    ranked.kept_file,
    ranked.kept_row,
    case when kept_file <> file_number or kept_row <> source_row then [again] else broken_alone end as broken
from single
left join ranked using (file_number, source_row)
