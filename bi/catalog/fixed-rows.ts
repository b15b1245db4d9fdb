import { DATABASE, OWNER, SETTINGS } from './settings.ts';
import { OWNER_OID } from './system-rows.ts';

/** Rows of tables of the catalog that are the same for every lake. Columns that a row does not name are null. */
export const FIXED_ROWS: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  pg_database: [
    {
      oid: 16_383,
      datname: DATABASE,
      datdba: OWNER_OID,
      encoding: 6,
      datlocprovider: 'c',
      datistemplate: false,
      datallowconn: true,
      datconnlimit: -1,
      dattablespace: 1663,
      datcollate: 'C',
      datctype: 'C.UTF-8',
      datlastsysoid: 13_999,
    },
  ],
  pg_roles: [
    {
      oid: OWNER_OID,
      rolname: OWNER,
      rolsuper: false,
      rolinherit: true,
      rolcreaterole: false,
      rolcreatedb: false,
      rolcanlogin: true,
      rolreplication: false,
      rolconnlimit: -1,
      rolpassword: '********',
      rolbypassrls: false,
    },
  ],
  pg_tablespace: [{ oid: 1663, spcname: 'pg_default', spcowner: OWNER_OID }],
  pg_am: [{ oid: 2, amname: 'heap', amhandler: 3, amtype: 't' }],
  pg_language: [{ oid: 12, lanname: 'internal', lanowner: OWNER_OID, lanispl: false, lanpltrusted: false }],
  pg_collation: [100, 950].map((oid) => ({
    oid,
    collname: oid === 100 ? 'default' : 'C',
    collnamespace: 11,
    collowner: OWNER_OID,
    collprovider: 'c',
    collisdeterministic: true,
    collencoding: -1,
    collcollate: 'C',
    collctype: 'C',
  })),
  pg_settings: SETTINGS.map(([name, setting, short_desc]) => ({
    name,
    setting,
    short_desc,
    category: 'Runlake',
    context: 'user',
    vartype: 'string',
    source: 'default',
    boot_val: setting,
    reset_val: setting,
    pending_restart: false,
  })),
  pg_timezone_names: [{ name: 'UTC', abbrev: 'UTC', utc_offset: '00:00:00', is_dst: false }],
};
