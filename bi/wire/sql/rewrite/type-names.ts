/** Types that DuckDB does not know, and the ones that hold their values here. */
export const TYPES: Readonly<Record<string, string>> = {
  oid: 'UINTEGER',
  xid: 'UINTEGER',
  cid: 'UINTEGER',
  name: 'VARCHAR',
  char: 'VARCHAR',
  unknown: 'VARCHAR',
  cstring: 'VARCHAR',
  pg_node_tree: 'VARCHAR',
  aclitem: 'VARCHAR',
  citext: 'VARCHAR',
  jsonb: 'JSON',
  sql_identifier: 'VARCHAR',
  character_data: 'VARCHAR',
  yes_or_no: 'VARCHAR',
  cardinal_number: 'INTEGER',
  time_stamp: 'TIMESTAMP WITH TIME ZONE',
};

/** DuckDB's names of what PostgreSQL's types of arrays are made of. */
export const ARRAY_ELEMENTS: Readonly<Record<string, string>> = {
  text: 'VARCHAR',
  varchar: 'VARCHAR',
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  float4: 'FLOAT',
  float8: 'DOUBLE',
  bool: 'BOOLEAN',
};
