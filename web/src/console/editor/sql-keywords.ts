/** As the editor wants them: apart by one space. */
const words = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

/** Words that DuckDB keeps for itself where somebody reads from tables. */
export const KEYWORDS = words(`
all and anti any array as asc asof between by case cast collate columns cross current cube desc describe distinct else end
except exclude exists extract false fetch filter first following for from full group grouping having ilike in inner
intersect interval into is join lambda last lateral left like limit map materialized natural not null nulls offset on only or
order outer over partition pivot positional preceding qualify range recursive rename replace respect right rollup row rows
sample select semi sets show similar some struct summarize table tablesample then ties to true try_cast unbounded union
unpivot using values when where window with within without zone
`);

export const TYPES = words(`
bigint bit blob boolean date decimal double float hugeint int integer json real smallint text time timestamp timestamptz
tinyint ubigint uinteger usmallint utinyint uuid varchar
`);

/** Functions that questions about runs are made of. */
export const FUNCTIONS = words(`
abs any_value approx_quantile arg_max arg_min array_agg avg bool_and bool_or ceil coalesce concat corr count count_if
covar_samp cume_dist date_trunc dense_rank exp first_value floor greatest histogram if ifnull isfinite isnan json_extract
json_extract_string lag last_value lead least len length list list_aggregate list_contains list_cosine_similarity
list_dot_product list_transform ln log lower max md5 median min mode ntile nullif percent_rank power quantile_cont rank
regexp_extract regexp_matches regexp_replace regr_slope replace round row_number split_part sqrt stddev_pop stddev_samp
string_agg strftime substring sum trim unnest upper var_pop var_samp
`);
