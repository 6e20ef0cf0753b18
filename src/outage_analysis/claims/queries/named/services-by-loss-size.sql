-- One row per service and size of the loss.
-- The sizes are powers of ten, such as losses over 10,000 and up to 100,000. Losses of 0, losses below 0 and
-- losses that are not stated are sizes of their own.
with digits as (
    select service, loss, length(cast(loss - 1 as varchar)) as digits
    from exact_claims
),
sizes as (
    select
        service,
        loss,
        case
            when loss = 0 then -1
            when loss > 0 and digits = 1 then 0
            when loss > 0 then cast(power(10, digits - 1) as bigint)
        end as over,
        case
            when loss < 0 then -1
            when loss = 0 then 0
            when loss > 0 then cast(power(10, digits) as bigint)
        end as up_to
    from digits
)
select service, over, up_to, count(*) as claims, sum(loss) as loss
from sizes
group by service, over, up_to
order by service, up_to is null, up_to
