/**
 * What the functions look things up in. All names begin with `rl_`: DuckDB puts the text of a macro's argument into the
 * scope of its body, where `format_type(oid, NULL)` would otherwise find the `oid` of the wrong table.
 */
export const CATALOG_LOOKUPS: readonly string[] = [
  'rl_types AS SELECT t.oid AS rl_oid, t.typname AS rl_name, s.sql_name AS rl_sql_name FROM pg_type t JOIN rl_type_names s ON s.oid = t.oid',
  'rl_relations AS SELECT c.oid AS rl_oid, c.relname AS rl_name, c.relnamespace AS rl_namespace, n.nspname AS rl_schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace',
  'rl_functions AS SELECT oid AS rl_oid, proname AS rl_name FROM pg_proc',
  'rl_namespaces AS SELECT oid AS rl_oid, nspname AS rl_name FROM pg_namespace',
  'rl_roles AS SELECT oid AS rl_oid, rolname AS rl_name FROM pg_roles',
  'rl_settings AS SELECT name AS rl_name, setting AS rl_value FROM pg_settings',
  'rl_comments AS SELECT objoid AS rl_oid, classoid AS rl_class, objsubid AS rl_part, description AS rl_text FROM pg_description',
  'rl_shared_comments AS SELECT objoid AS rl_oid, description AS rl_text FROM pg_shdescription',
  'rl_selects AS SELECT oid AS rl_oid, definition AS rl_text FROM rl_definitions',
];

/**
 * PostgreSQL's functions about the catalog, as macros of DuckDB over its relations. Those that ask for what a lake
 * does not have (indexes, constraints, triggers) answer NULL, as PostgreSQL does for unknown oids.
 */
export const CATALOG_FUNCTIONS: readonly string[] = [
  // Names of objects.
  // A name needs no quotes when it is a plain word in lower case.
  `quote_ident(x) AS CASE WHEN regexp_full_match(x, '[a-z_][a-z0-9_$]*') THEN x ELSE '"' || replace(x, '"', '""') || '"' END`,
  `rl_definition(x) AS (SELECT rl_text FROM rl_selects WHERE rl_oid = x)`,
  `rl_text_oid(x) AS TRY_CAST(CAST(x AS VARCHAR) AS UINTEGER)`,
  `rl_plain_name(x) AS replace(regexp_replace(CAST(x AS VARCHAR), '^("?(public|pg_catalog)"?\\.)', ''), '"', '')`,
  `format_type(t, m) AS (SELECT CASE
       WHEN rl_name = 'numeric' AND m > 4 THEN 'numeric(' || (((m - 4) >> 16) & 65535) || ',' || ((m - 4) & 65535) || ')'
       WHEN rl_name IN ('varchar', 'bpchar') AND m > 4 THEN rl_sql_name || '(' || (m - 4) || ')'
       ELSE rl_sql_name END
     FROM rl_types WHERE rl_oid = t)`,
  `regclass_oid(x) AS COALESCE(rl_text_oid(x), (SELECT rl_oid FROM rl_relations WHERE rl_name = rl_plain_name(x)))`,
  `regclass_name(x) AS COALESCE((SELECT CASE rl_schema WHEN 'information_schema' THEN 'information_schema.' ELSE '' END || quote_ident(rl_name)
     FROM rl_relations WHERE rl_oid = rl_text_oid(x)), CAST(x AS VARCHAR))`,
  `regtype_oid(x) AS COALESCE(rl_text_oid(x), (SELECT rl_oid FROM rl_types WHERE rl_name = rl_plain_name(x) OR rl_sql_name = rl_plain_name(x)))`,
  `regtype_name(x) AS COALESCE(format_type(rl_text_oid(x), NULL), CAST(x AS VARCHAR))`,
  `regproc_oid(x) AS COALESCE(rl_text_oid(x), (SELECT rl_oid FROM rl_functions WHERE rl_name = rl_plain_name(x)))`,
  `regproc_name(x) AS COALESCE((SELECT rl_name FROM rl_functions WHERE rl_oid = rl_text_oid(x)), CASE WHEN rl_text_oid(x) = 0 THEN '-' ELSE CAST(x AS VARCHAR) END)`,
  `regnamespace_oid(x) AS COALESCE(rl_text_oid(x), (SELECT rl_oid FROM rl_namespaces WHERE rl_name = CAST(x AS VARCHAR)))`,
  `regnamespace_name(x) AS COALESCE((SELECT rl_name FROM rl_namespaces WHERE rl_oid = rl_text_oid(x)), CAST(x AS VARCHAR))`,
  `regrole_oid(x) AS COALESCE(rl_text_oid(x), (SELECT rl_oid FROM rl_roles WHERE rl_name = CAST(x AS VARCHAR)))`,
  `regrole_name(x) AS COALESCE((SELECT rl_name FROM rl_roles WHERE rl_oid = rl_text_oid(x)), CAST(x AS VARCHAR))`,
  `rl_setting(x) AS (SELECT rl_value FROM rl_settings WHERE rl_name = x)`,
  `to_regclass(x) AS regclass_oid(x)`,
  `to_regtype(x) AS regtype_oid(x)`,
  `to_regnamespace(x) AS regnamespace_oid(x)`,
  `quote_literal(x) AS '''' || replace(CAST(x AS VARCHAR), '''', '''''') || ''''`,
  `parse_ident(x) AS list_transform(string_split(x, '.'), lambda part: trim(part, '"'))`,
  // Types and expressions.
  `pg_get_expr(a, b) AS a, (a, b, c) AS a`,
  `pg_get_viewdef(x) AS rl_definition(regclass_oid(x)), (x, y) AS rl_definition(regclass_oid(x))`,
  `pg_get_constraintdef(x) AS NULL::VARCHAR, (x, y) AS NULL::VARCHAR`,
  `pg_get_indexdef(x) AS NULL::VARCHAR, (x, y, z) AS NULL::VARCHAR`,
  `pg_get_functiondef(x) AS NULL::VARCHAR`,
  `pg_get_function_arguments(x) AS ''`,
  `pg_get_function_identity_arguments(x) AS ''`,
  `pg_get_function_result(x) AS NULL::VARCHAR`,
  `pg_get_function_sqlbody(x) AS NULL::VARCHAR`,
  `pg_get_triggerdef(x) AS NULL::VARCHAR, (x, y) AS NULL::VARCHAR`,
  `pg_get_ruledef(x) AS NULL::VARCHAR, (x, y) AS NULL::VARCHAR`,
  `pg_get_partkeydef(x) AS NULL::VARCHAR`,
  `pg_get_partition_constraintdef(x) AS NULL::VARCHAR`,
  `pg_get_statisticsobjdef_columns(x) AS NULL::VARCHAR`,
  `pg_get_serial_sequence(x, y) AS NULL::VARCHAR`,
  `pg_get_replica_identity_index(x) AS NULL::UINTEGER`,
  `pg_get_userbyid(x) AS COALESCE((SELECT rl_name FROM rl_roles WHERE rl_oid = x), 'unknown (OID=' || x || ')')`,
  `pg_collation_for(x) AS NULL::VARCHAR`,
  `_pg_truetypid(a, t) AS a.atttypid`,
  `_pg_index_position(x, y) AS NULL::INTEGER`,
  // Comments.
  `obj_description(x) AS (SELECT rl_text FROM rl_comments WHERE rl_oid = x AND rl_part = 0),
     (x, k) AS (SELECT rl_text FROM rl_comments WHERE rl_oid = x AND rl_part = 0 AND rl_class = regclass_oid(k))`,
  `col_description(x, n) AS (SELECT rl_text FROM rl_comments WHERE rl_oid = x AND rl_part = n AND rl_class = 1259)`,
  `shobj_description(x, k) AS (SELECT rl_text FROM rl_shared_comments WHERE rl_oid = x)`,
  // What can be seen and done: everything can be seen, nothing written.
  ...[
    'table',
    'type',
    'function',
    'operator',
    'opclass',
    'opfamily',
    'collation',
    'conversion',
    'statistics_obj',
    'ts_config',
    'ts_dict',
    'ts_parser',
    'ts_template',
  ].map((kind) =>
    kind === 'table'
      ? `pg_table_is_visible(x) AS x IN (SELECT rl_oid FROM rl_relations WHERE rl_namespace IN (11, 2200))`
      : `pg_${kind}_is_visible(x) AS true`,
  ),
  ...['table', 'column', 'any_column'].map((what) => privilege(what)),
  `has_schema_privilege(s, p) AS upper(p) NOT LIKE '%CREATE%', (u, s, p) AS upper(p) NOT LIKE '%CREATE%'`,
  `has_database_privilege(d, p) AS upper(p) LIKE '%CONNECT%', (u, d, p) AS upper(p) LIKE '%CONNECT%'`,
  ...['function', 'language', 'type', 'tablespace', 'sequence', 'server', 'foreign_data_wrapper'].map(
    (what) =>
      `has_${what}_privilege(o, p) AS upper(p) IN ('EXECUTE', 'USAGE'), (u, o, p) AS upper(p) IN ('EXECUTE', 'USAGE')`,
  ),
  `pg_has_role(r, p) AS true, (u, r, p) AS true`,
  `row_security_active(x) AS false`,
  `pg_relation_is_updatable(x, y) AS 0`,
  `pg_relation_is_publishable(x) AS false`,
  `pg_column_is_updatable(x, y, z) AS false`,
  `pg_is_other_temp_schema(x) AS false`,
  `pg_my_temp_schema() AS 0::UINTEGER`,
  // Sizes: the files belong to the lake, not to a database.
  ...[
    'pg_relation_size',
    'pg_total_relation_size',
    'pg_table_size',
    'pg_indexes_size',
    'pg_database_size',
    'pg_tablespace_size',
  ].map((name) =>
    name === 'pg_relation_size' ? `${name}(x) AS 0::BIGINT, (x, y) AS 0::BIGINT` : `${name}(x) AS 0::BIGINT`,
  ),
  `pg_relation_filenode(x) AS NULL::UINTEGER`,
  `pg_relation_filepath(x) AS NULL::VARCHAR`,
  `pg_size_pretty(x) AS format_bytes(CAST(x AS BIGINT))`,
  `pg_tablespace_location(x) AS ''`,
  ...[
    'pg_stat_get_numscans',
    'pg_stat_get_live_tuples',
    'pg_stat_get_dead_tuples',
    'pg_stat_get_tuples_inserted',
  ].map((name) => `${name}(x) AS 0::BIGINT`),
  `pg_sequence_last_value(x) AS NULL::BIGINT`,
  `pg_encoding_to_char(x) AS CASE x WHEN 6 THEN 'UTF8' WHEN 0 THEN 'SQL_ASCII' ELSE '' END`,
  `pg_char_to_encoding(x) AS CASE WHEN upper(x) IN ('UTF8', 'UTF-8', 'UNICODE') THEN 6 ELSE -1 END`,
  `pg_encoding_max_length(x) AS CASE x WHEN 6 THEN 4 ELSE 1 END`,
  `pg_lock_status() AS NULL`,
  `mxid_age(x) AS 0`,
  // Arrays as PostgreSQL writes and indexes them.
  `array_to_string(a, s) AS list_aggregate(list_filter(list_transform(a, lambda i: CAST(i AS VARCHAR)), lambda i: i IS NOT NULL), 'string_agg', s)`,
  `array_upper(a, d) AS NULLIF(len(a), 0)`,
  `array_lower(a, d) AS CASE WHEN len(a) > 0 THEN 1 END`,
  `array_remove(a, x) AS list_filter(a, lambda i: i IS DISTINCT FROM x)`,
  `_pg_expandarray(a) AS unnest(list_transform(a, lambda e, i: {'x': e, 'n': CAST(i AS INTEGER)}))`,
  // A set of numbers, of which no array of a catalog needs many.
  `rl_series(a, b) AS unnest(CASE WHEN b - a < 10000 THEN generate_series(a, b) END)`,
  `rl_subscripts(a, d) AS unnest(range(1, len(a) + 1))`,
  `array_ndims(a) AS CASE WHEN len(a) > 0 THEN 1 END`,
];

function privilege(what: string): string {
  const can = `upper(p) LIKE '%SELECT%'`;
  // (table, privilege), (user, table, privilege); of a column also (user, table, column, privilege).
  const more = what === 'column' ? `, (u, t, c, p) AS ${can}` : '';
  const two = what === 'column' ? '' : `(t, p) AS ${can}, `;
  return `has_${what}_privilege${two}(u, t, p) AS ${can}${more}`;
}
