import { type CatalogRelation, relations } from './relation.ts';

/** Those that stay empty: no constraints, routines, triggers or grants here. */
const EMPTY = relations(
  'information_schema',
  `
table_constraints: constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name constraint_type is_deferrable initially_deferred enforced nulls_distinct
key_column_usage: constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name column_name ordinal_position:int4 position_in_unique_constraint:int4
constraint_column_usage: table_catalog table_schema table_name column_name constraint_catalog constraint_schema constraint_name
constraint_table_usage: table_catalog table_schema table_name constraint_catalog constraint_schema constraint_name
referential_constraints: constraint_catalog constraint_schema constraint_name unique_constraint_catalog unique_constraint_schema unique_constraint_name match_option update_rule delete_rule
check_constraints: constraint_catalog constraint_schema constraint_name check_clause
routines: specific_catalog specific_schema specific_name routine_catalog routine_schema routine_name routine_type data_type type_udt_name routine_body routine_definition external_language is_deterministic security_type
parameters: specific_catalog specific_schema specific_name ordinal_position:int4 parameter_mode is_result as_locator parameter_name data_type udt_name parameter_default
triggers: trigger_catalog trigger_schema trigger_name event_manipulation event_object_catalog event_object_schema event_object_table action_order:int4 action_condition action_statement action_orientation action_timing
sequences: sequence_catalog sequence_schema sequence_name data_type numeric_precision:int4 start_value minimum_value maximum_value increment cycle_option
domains: domain_catalog domain_schema domain_name data_type character_maximum_length:int4 domain_default udt_catalog udt_schema udt_name
element_types: object_catalog object_schema object_name object_type collection_type_identifier data_type udt_name
attributes: udt_catalog udt_schema udt_name attribute_name ordinal_position:int4 data_type
user_defined_types: user_defined_type_catalog user_defined_type_schema user_defined_type_name
view_table_usage: view_catalog view_schema view_name table_catalog table_schema table_name
view_column_usage: view_catalog view_schema view_name table_catalog table_schema table_name column_name
column_privileges: grantor grantee table_catalog table_schema table_name column_name privilege_type is_grantable
role_column_grants: grantor grantee table_catalog table_schema table_name column_name privilege_type is_grantable
foreign_tables: foreign_table_catalog foreign_table_schema foreign_table_name foreign_server_catalog foreign_server_name
`,
);

const view = (name: string, columns: string, select: string): CatalogRelation => ({
  ...relations('information_schema', `${name}: ${columns}`)[0]!,
  select,
});

const DATABASE = "'runlake'";
const TABLE_TYPE = "CASE WHEN c.relkind = 'v' THEN 'VIEW' ELSE 'BASE TABLE' END";
const RELATIONS = 'pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace';
const PRIVILEGES =
  'grantor grantee table_catalog table_schema table_name privilege_type is_grantable with_hierarchy';
const GRANTED = `SELECT 'runlake', 'PUBLIC', ${DATABASE}, n.nspname, c.relname, 'SELECT', 'NO', 'YES' FROM ${RELATIONS}`;

/** `information_schema` as the SQL standard has it and PostgreSQL fills it. */
export const INFORMATION_SCHEMA: readonly CatalogRelation[] = [
  ...EMPTY,
  view(
    'schemata',
    'catalog_name schema_name schema_owner default_character_set_catalog default_character_set_schema default_character_set_name sql_path',
    `SELECT ${DATABASE}, nspname, 'runlake', NULL, NULL, NULL, NULL FROM pg_namespace`,
  ),
  view(
    'tables',
    'table_catalog table_schema table_name table_type self_referencing_column_name reference_generation user_defined_type_catalog user_defined_type_schema user_defined_type_name is_insertable_into is_typed commit_action',
    `SELECT ${DATABASE}, n.nspname, c.relname, ${TABLE_TYPE}, NULL, NULL, NULL, NULL, NULL, 'NO', 'NO', NULL FROM ${RELATIONS}`,
  ),
  view(
    'views',
    'table_catalog table_schema table_name view_definition check_option is_updatable is_insertable_into is_trigger_updatable is_trigger_deletable is_trigger_insertable_into',
    `SELECT ${DATABASE}, n.nspname, c.relname, rl_definition(c.oid), 'NONE', 'NO', 'NO', 'NO', 'NO', 'NO' FROM ${RELATIONS} WHERE c.relkind = 'v'`,
  ),
  view(
    'columns',
    'table_catalog table_schema table_name column_name ordinal_position:int4 column_default is_nullable data_type character_maximum_length:int4 character_octet_length:int4 numeric_precision:int4 numeric_precision_radix:int4 numeric_scale:int4 datetime_precision:int4 interval_type interval_precision:int4 character_set_catalog character_set_schema character_set_name collation_catalog collation_schema collation_name domain_catalog domain_schema domain_name udt_catalog udt_schema udt_name scope_catalog scope_schema scope_name maximum_cardinality:int4 dtd_identifier is_self_referencing is_identity identity_generation identity_start identity_increment identity_maximum identity_minimum identity_cycle is_generated generation_expression is_updatable',
    `SELECT ${DATABASE}, n.nspname, c.relname, a.attname, a.attnum, NULL, CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END,
       CASE WHEN t.typcategory = 'A' THEN 'ARRAY' ELSE format_type(t.oid, NULL) END, NULL,
       CASE WHEN t.typname = 'text' THEN 1073741824 END,
       CASE t.typname WHEN 'int2' THEN 16 WHEN 'int4' THEN 32 WHEN 'int8' THEN 64 WHEN 'float4' THEN 24 WHEN 'float8' THEN 53
         WHEN 'numeric' THEN CASE WHEN a.atttypmod > 4 THEN ((a.atttypmod - 4) >> 16) & 65535 END END,
       CASE WHEN t.typname IN ('int2', 'int4', 'int8', 'float4', 'float8') THEN 2 WHEN t.typname = 'numeric' THEN 10 END,
       CASE WHEN t.typname IN ('int2', 'int4', 'int8') THEN 0
         WHEN t.typname = 'numeric' AND a.atttypmod > 4 THEN (a.atttypmod - 4) & 65535 END,
       CASE WHEN t.typname = 'date' THEN 0 WHEN t.typcategory = 'D' OR t.typname = 'interval' THEN 6 END,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ${DATABASE}, 'pg_catalog', t.typname, NULL, NULL, NULL, NULL,
       CAST(a.attnum AS VARCHAR), 'NO', 'NO', NULL, NULL, NULL, NULL, NULL, 'NO', 'NEVER', NULL, 'NO'
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid`,
  ),
  view('table_privileges', PRIVILEGES, GRANTED),
  view('role_table_grants', PRIVILEGES, GRANTED),
  view('information_schema_catalog_name', 'catalog_name', `SELECT ${DATABASE}`),
  view('enabled_roles', 'role_name', 'SELECT rolname FROM pg_roles'),
  view('applicable_roles', 'grantee role_name is_grantable', "SELECT rolname, rolname, 'NO' FROM pg_roles"),
  view(
    'character_sets',
    'character_set_catalog character_set_schema character_set_name character_repertoire form_of_use default_collate_catalog default_collate_schema default_collate_name',
    `SELECT NULL, NULL, 'UTF8', 'UCS', 'UTF8', ${DATABASE}, 'pg_catalog', 'C'`,
  ),
];
