-- One row a line of a text of JSON lines, in file order: the texts of some keys, and a doubt where the line may be
-- no flat object, or a text may be other than its letters.
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
        then 'doubt'
    end as doubt
from parsed
