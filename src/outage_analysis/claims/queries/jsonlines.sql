-- One row per line of a JSON lines file, in file order: the texts and the types of the wanted keys.
-- `uncertain` is not null if the line may be no flat object, or if a text may differ from the text in the
-- line.
-- Placeholders: `lines` is the query of the lines; `pointers` is the list of the JSON pointers of the
-- wanted keys; `rewritten` is whether the engine may have rewritten a number that should be kept as text.
with lines as (
    select case when json_valid(line) and not contains(line, '\') then line end as line from ({lines})
),
parsed as (
    select
        line,
        json_extract_string(line, {pointers}) as texts,
        json_type(line, {pointers}) as kinds,
        json_keys(line) as names,
        line[strpos(line, '{') + 1:] as inside
    from lines
)
select
    line, texts, kinds,
    case
        when list_has_any(kinds, ['ARRAY', 'OBJECT', 'BIGINT'])
            or {rewritten}
            or len(names) <> len(list_distinct(names))
            or contains(inside, '{')
            or (contains(inside, '[') and length(line) > 900)
        then 'uncertain'
    end as uncertain
from parsed
