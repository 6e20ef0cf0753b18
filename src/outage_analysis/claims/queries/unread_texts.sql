-- One row per column and distinct text of the column that cannot be read.
with unread as (
    select
        case when service is null then raw_service end as service,
        case when claimant_type is null then raw_claimant_type end as claimant_type,
        case when filed_on is null then raw_filed_on end as filed_on,
        case when loss is null then raw_loss end as loss
    from parsed_rows
)
select distinct meant, raw
from unread unpivot (raw for meant in (service, claimant_type, filed_on, loss))
