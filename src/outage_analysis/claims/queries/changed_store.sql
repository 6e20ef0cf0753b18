-- One row per opened warehouse file.
-- `changed` is the first table that has what no run writes, or null; `synthetic` is whether any claim is
-- synthetic.
-- Placeholders: `texts` are the values of a claim in place of its texts, each after a comma; `broken` is
-- whether a claim breaks a rule; `kept_elsewhere` are the names of the rules whose rejects name the row that is kept.
with claims as (select * {texts} from opened.main.accepted),
kept as (select file_number, count(*) as claims from claims group by file_number),
refused as (select source_file, count(*) as rejects from opened.main.rejects group by source_file),
numbered as (select *, row_number() over (order by file_number) - 1 as place from opened.main.files)
select
    case
        when exists (from numbered where file_number is distinct from place) then 'files'
        when exists (
            from numbered
            full join kept on kept.file_number = numbered.file_number
            full join refused on refused.source_file = numbered.file
            where numbered.rows is distinct from coalesce(kept.claims, 0) + coalesce(refused.rejects, 0)
        ) then 'files'
        when exists (
            from claims
            where {broken} or claim_id is null or synthetic is null or coalesce(source_row, 0) < 1
            or not filed_at between timestamptz '0002-01-01' and timestamptz '9998-12-31'
            or not filed_on between date '0002-01-01' and date '9998-12-31'
        ) then 'accepted'
        when (select count(distinct hash(claim_id)) < count(*) from claims) then 'accepted'
        when exists (
            from opened.main.rejects
            where coalesce(len(list_filter(broken, lambda rule: rule is not null)), 0) = 0
            or coalesce(source_row, 0) < 1
            or broken[1] in ({kept_elsewhere}) and (kept_file is null or kept_row is null)
        ) then 'rejects'
    end as changed,
    coalesce((select bool_or(synthetic) from claims), false) as synthetic
