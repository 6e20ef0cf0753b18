-- One row per day from the first to the last filing day.
-- Claims without a filing day are counted in a last row. `cumulative` are the claims filed up to the day.
with filed as (
    select filed_on, count(*) as claims, count(loss) as stated, sum(loss) as loss
    from exact_claims
    group by filed_on
),
span as (select min(filed_on) as first_day, max(filed_on) as last_day from exact_claims),
days as (
    select cast(unnest(generate_series(first_day, last_day, interval 1 day)) as date) as filed_on
    from span
)
select
    filed_on,
    coalesce(claims, 0) as claims,
    coalesce(stated, 0) as stated,
    loss,
    sum(coalesce(claims, 0)) over (order by filed_on nulls last) as cumulative
from days full join filed using (filed_on)
order by filed_on nulls last
