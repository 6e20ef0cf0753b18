-- One row a complaint with `broken`, the rules it breaks. The rule's name is the sentence that the user reads.
with single as (
    select
        *,
        list_filter([
            case when claim_id is null then 'claim_id is given' end,
            case when raw_service is null then 'service is given' end,
            case when raw_service is not null and service is null then 'service is known' end,
            case when raw_claimant_type is null then 'claimant_type is given' end,
            case when raw_claimant_type is not null and claimant_type is null
                then 'claimant_type is known' end,
            case when filed_on is null then 'filed_on is a date' end,
            case when filed_on < $claims_from or filed_on > $claims_to
                then 'filed_on is within the claims window' end,
            case when raw_loss is not null and (loss is null or abs(loss) >= 1000000000000000)
                then 'loss is a whole number of the smallest unit, below 10^15' end,
            case when loss < 0 and $negative = 'reject' then 'loss is not negative' end
            {dimension_rules}
        ], lambda rule: rule is not null) as broken_alone
    from typed
),
-- Among the rows that pass alone, the first of each id is kept; the others name it.
ranked as (
    select
        file_number, source_row,
        first_value(file_number) over same_id as kept_file,
        first_value(source_row) over same_id as kept_row
    from single
    where len(broken_alone) = 0
    window same_id as (partition by claim_id order by file_number, source_row)
)
select
    single.* exclude (broken_alone, loss),
    case when loss < 0 and $negative = 'zero' then 0 else loss end as loss,
    ranked.kept_file,
    ranked.kept_row,
    case
        when ranked.kept_file <> single.file_number or ranked.kept_row <> single.source_row
        then ['claim_id is not repeated']
        else broken_alone
    end as broken
from single
left join ranked using (file_number, source_row)
