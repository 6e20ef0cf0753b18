-- One row a claim that had been filed by a day.
select *
from claims
where {filed}
