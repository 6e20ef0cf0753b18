-- One row per claim that was filed by a day.
-- Placeholder: `filed` is the condition under which a claim was filed by then.
select *
from exact_claims
where {filed}
