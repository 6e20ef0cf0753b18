-- One row per service and size of the loss.
-- The sizes are powers of ten: up to 10, over 10 and up to 100, and so on. Losses of 0, losses below 0 and
-- losses that are not stated are sizes of their own.
select
    service,
    case
        when loss < 0 then -1
        when loss = 0 then 0
        else cast(power(10, length(cast(loss - 1 as varchar))) as bigint)
    end as up_to,
    count(*) as claims,
    sum(loss) as loss
from exact_claims
group by service, up_to
order by service, up_to is null, up_to
