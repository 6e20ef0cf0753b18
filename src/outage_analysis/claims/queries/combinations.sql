-- One row per combination of service, loss band, day and category: how many claims it has.
-- A category is a value of one further dimension. Rare categories are counted together as an empty text,
-- which no claim has: a claim with an empty text states no category.
-- Input: `bands` are the loss bands.
-- Placeholders: `source` is the query of the claims; `category` is the further dimension; `most` is how
-- many categories are kept at most, the commonest first, and `least` is how many claims a category needs
-- to be kept.
with source as ({source}),
by_loss as (
    select service, filed_on, {category} as category, loss, count(*) as claims from source group by all
),
by_category as (
    select category, sum(claims) as claims from by_loss where category is not null group by category
),
commonest as (
    select category from by_category where claims >= {least} order by claims desc, category limit {most}
)
select
    service,
    bands.over,
    bands.up_to,
    filed_on,
    case when category is null or category in (select category from commonest) then category else '' end
        as category,
    cast(sum(claims) as bigint) as claims
from by_loss
left join bands on by_loss.loss > bands.above and by_loss.loss <= bands.below
group by 1, 2, 3, 4, 5
order by service, over is null and up_to is null, over nulls first, up_to, filed_on, category nulls last
