-- One row per claim, as users query it, with amounts in whole currency.
-- Placeholder: `whole` replaces the columns whose amounts are not in whole currency yet, or is empty.
select * {whole} from exact_claims
