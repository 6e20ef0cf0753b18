-- One row a combination of two of service, loss band, day and category, with its claims. A category is a text
-- of a further dimension. Beyond the {most} commonest, and where fewer than {least} claims have the same, all
-- others are one: an empty text, which no claim has, since a claim with an empty text states no category.
with by_loss as (
    select service, filed_on, category, loss, count(*) as claims
    from (select service, filed_on, {category} as category, loss from ({source}) as source) as told
    group by service, filed_on, category, loss
),
by_category as (
    select category, sum(claims) as claims from by_loss where category is not null group by category
),
commonest as (
    select category from by_category where claims >= {least} order by claims desc, category limit {most}
),
by_band as (
    select
        service,
        bands.over,
        bands.up_to,
        filed_on,
        case when category is null or category in (select category from commonest) then category else '' end
            as category,
        sum(claims) as claims
    from by_loss
    left join bands on by_loss.loss > bands.above and by_loss.loss <= bands.below
    group by 1, 2, 3, 4, 5
)
select
    case when grouping(service) = 0 then 'service' when grouping(over) = 0 then 'band' else 'day' end as one,
    case when grouping(category) = 0 then 'category' when grouping(filed_on) = 0 then 'day' else 'band' end
        as other,
    service,
    over,
    up_to,
    filed_on,
    category,
    cast(sum(claims) as bigint) as claims
from by_band
group by grouping sets (
    (service, over, up_to),
    (service, filed_on),
    (service, category),
    (over, up_to, filed_on),
    (over, up_to, category),
    (filed_on, category)
)
order by one, other, service, over is null and up_to is null, over nulls first, up_to, filed_on,
    category nulls last
