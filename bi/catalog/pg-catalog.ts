import { relations } from './relation.ts';

/**
 * The relations of `pg_catalog` that clients ask for, with the columns of PostgreSQL 15. Most stay empty: a lake of
 * read-only tables and views has no indexes, constraints, triggers, rules…
 */
export const PG_CATALOG = relations(
  'pg_catalog',
  `
pg_namespace: oid nspname nspowner:oid nspacl:text[]
pg_class: oid relname relnamespace:oid reltype:oid reloftype:oid relowner:oid relam:oid relfilenode:oid reltablespace:oid relpages:int4 reltuples:float4 relallvisible:int4 reltoastrelid:oid relhasindex:bool relisshared:bool relpersistence relkind relnatts:int2 relchecks:int2 relhasrules:bool relhastriggers:bool relhassubclass:bool relrowsecurity:bool relforcerowsecurity:bool relispopulated:bool relreplident relispartition:bool relrewrite:oid relfrozenxid:oid relminmxid:oid relacl:text[] reloptions:text[] relpartbound relhasoids:bool
pg_attribute: attrelid:oid attname atttypid:oid attstattarget:int4 attlen:int2 attnum:int2 attndims:int4 attcacheoff:int4 atttypmod:int4 attbyval:bool attalign attstorage attcompression attnotnull:bool atthasdef:bool atthasmissing:bool attidentity attgenerated attisdropped:bool attislocal:bool attinhcount:int4 attcollation:oid attacl:text[] attoptions:text[] attfdwoptions:text[] attmissingval
pg_type: oid typname typnamespace:oid typowner:oid typlen:int2 typbyval:bool typtype typcategory typispreferred:bool typisdefined:bool typdelim typrelid:oid typsubscript:oid typelem:oid typarray:oid typinput:oid typoutput:oid typreceive:oid typsend:oid typmodin:oid typmodout:oid typanalyze:oid typalign typstorage typnotnull:bool typbasetype:oid typtypmod:int4 typndims:int4 typcollation:oid typdefaultbin typdefault typacl:text[]
pg_proc: oid proname pronamespace:oid proowner:oid prolang:oid procost:float4 prorows:float4 provariadic:oid prosupport:oid prokind prosecdef:bool proleakproof:bool proisstrict:bool proretset:bool provolatile proparallel pronargs:int2 pronargdefaults:int2 prorettype:oid proargtypes:text proallargtypes:oid[] proargmodes:text[] proargnames:text[] proargdefaults protrftypes:oid[] prosrc probin prosqlbody proconfig:text[] proacl:text[] proisagg:bool proiswindow:bool
pg_description: objoid classoid objsubid:int4 description
pg_shdescription: objoid classoid description
pg_database: oid datname datdba:oid encoding:int4 datlocprovider datistemplate:bool datallowconn:bool datconnlimit:int4 datfrozenxid:oid datminmxid:oid dattablespace:oid datcollate datctype daticulocale datcollversion datacl:text[] datlastsysoid:oid
pg_roles: rolname rolsuper:bool rolinherit:bool rolcreaterole:bool rolcreatedb:bool rolcanlogin:bool rolreplication:bool rolconnlimit:int4 rolpassword rolvaliduntil:time rolbypassrls:bool rolconfig:text[] oid
pg_tablespace: oid spcname spcowner:oid spcacl:text[] spcoptions:text[]
pg_am: oid amname amhandler:oid amtype
pg_language: oid lanname lanowner:oid lanispl:bool lanpltrusted:bool lanplcallfoid:oid laninline:oid lanvalidator:oid lanacl:text[]
pg_settings: name setting unit category short_desc extra_desc context vartype source min_val max_val enumvals:text[] boot_val reset_val sourcefile sourceline:int4 pending_restart:bool
pg_collation: oid collname collnamespace:oid collowner:oid collprovider collisdeterministic:bool collencoding:int4 collcollate collctype colliculocale collversion
pg_get_keywords: word catcode barelabel:bool catdesc baredesc
pg_timezone_names: name abbrev utc_offset is_dst:bool
pg_attrdef: oid adrelid:oid adnum:int2 adbin
pg_auth_members: roleid member:oid grantor:oid admin_option:bool
pg_available_extensions: name default_version installed_version comment
pg_cast: oid castsource:oid casttarget:oid castfunc:oid castcontext castmethod
pg_aggregate: aggfnoid aggkind aggnumdirectargs:int2 aggtransfn:oid aggfinalfn:oid
pg_constraint: oid conname connamespace:oid contype condeferrable:bool condeferred:bool convalidated:bool conrelid:oid contypid:oid conindid:oid conparentid:oid confrelid:oid confupdtype confdeltype confmatchtype conislocal:bool coninhcount:int4 connoinherit:bool conkey:int2[] confkey:int2[] conpfeqop:oid[] conppeqop:oid[] conffeqop:oid[] confdelsetcols:int2[] conexclop:oid[] conbin
pg_conversion: oid conname connamespace:oid conowner:oid conforencoding:int4 contoencoding:int4 conproc:oid condefault:bool
pg_db_role_setting: setdatabase:oid setrole:oid setconfig:text[]
pg_default_acl: oid defaclrole:oid defaclnamespace:oid defaclobjtype defaclacl:text[]
pg_depend: classid:oid objid:oid objsubid:int4 refclassid:oid refobjid:oid refobjsubid:int4 deptype
pg_enum: oid enumtypid:oid enumsortorder:float4 enumlabel
pg_event_trigger: oid evtname evtevent evtowner:oid evtfoid:oid evtenabled evttags:text[]
pg_extension: oid extname extowner:oid extnamespace:oid extrelocatable:bool extversion extconfig:oid[] extcondition:text[]
pg_foreign_data_wrapper: oid fdwname fdwowner:oid fdwhandler:oid fdwvalidator:oid fdwacl:text[] fdwoptions:text[]
pg_foreign_server: oid srvname srvowner:oid srvfdw:oid srvtype srvversion srvacl:text[] srvoptions:text[]
pg_foreign_table: ftrelid:oid ftserver:oid ftoptions:text[]
pg_index: indexrelid:oid indrelid:oid indnatts:int2 indnkeyatts:int2 indisunique:bool indnullsnotdistinct:bool indisprimary:bool indisexclusion:bool indimmediate:bool indisclustered:bool indisvalid:bool indcheckxmin:bool indisready:bool indislive:bool indisreplident:bool indkey:int2[] indcollation:oid[] indclass:oid[] indoption:int2[] indexprs indpred
pg_inherits: inhrelid:oid inhparent:oid inhseqno:int4 inhdetachpending:bool
pg_locks: locktype database:oid relation:oid page:int4 tuple:int2 virtualxid transactionid:oid classid:oid objid:oid objsubid:int2 virtualtransaction pid:int4 mode granted:bool fastpath:bool
pg_largeobject_metadata: oid lomowner:oid lomacl:text[]
pg_opclass: oid opcmethod:oid opcname opcnamespace:oid opcowner:oid opcfamily:oid opcintype:oid opcdefault:bool opckeytype:oid
pg_opfamily: oid opfmethod:oid opfname opfnamespace:oid opfowner:oid
pg_amop: oid amopfamily:oid amoplefttype:oid amoprighttype:oid amopstrategy:int2 amoppurpose amopopr:oid amopmethod:oid amopsortfamily:oid
pg_amproc: oid amprocfamily:oid amproclefttype:oid amprocrighttype:oid amprocnum:int2 amproc:oid
pg_operator: oid oprname oprnamespace:oid oprowner:oid oprkind oprcanmerge:bool oprcanhash:bool oprleft:oid oprright:oid oprresult:oid oprcom:oid oprnegate:oid oprcode:oid oprrest:oid oprjoin:oid
pg_partitioned_table: partrelid:oid partstrat partnatts:int2 partdefid:oid partattrs:int2[] partclass:oid[] partcollation:oid[] partexprs
pg_policy: oid polname polrelid:oid polcmd polpermissive:bool polroles:oid[] polqual polwithcheck
pg_policies: schemaname tablename policyname permissive roles:text[] cmd qual with_check
pg_prepared_xacts: transaction:oid gid prepared:time owner database
pg_prepared_statements: name statement prepare_time:time parameter_types:text[] from_sql:bool
pg_cursors: name statement is_holdable:bool is_binary:bool is_scrollable:bool creation_time:time
pg_publication: oid pubname pubowner:oid puballtables:bool pubinsert:bool pubupdate:bool pubdelete:bool pubtruncate:bool pubviaroot:bool
pg_publication_rel: oid prpubid:oid prrelid:oid prqual prattrs:int2[]
pg_publication_namespace: oid pnpubid:oid pnnspid:oid
pg_publication_tables: pubname schemaname tablename attnames:text[] rowfilter
pg_range: rngtypid:oid rngsubtype:oid rngmultitypid:oid rngcollation:oid rngsubopc:oid rngcanonical:oid rngsubdiff:oid
pg_rewrite: oid rulename ev_class:oid ev_type ev_enabled is_instead:bool ev_qual ev_action
pg_rules: schemaname tablename rulename definition
pg_seclabel: objoid classoid objsubid:int4 provider label
pg_seclabels: objoid classoid objsubid:int4 objtype objnamespace:oid objname provider label
pg_sequence: seqrelid:oid seqtypid:oid seqstart:int8 seqincrement:int8 seqmax:int8 seqmin:int8 seqcache:int8 seqcycle:bool
pg_sequences: schemaname sequencename sequenceowner data_type start_value:int8 min_value:int8 max_value:int8 increment_by:int8 cycle:bool cache_size:int8 last_value:int8
pg_shdepend: dbid:oid classid:oid objid:oid objsubid:int4 refclassid:oid refobjid:oid deptype
pg_stat_activity: datid:oid datname pid:int4 leader_pid:int4 usesysid:oid usename application_name client_addr client_hostname client_port:int4 backend_start:time xact_start:time query_start:time state_change:time wait_event_type wait_event state backend_xid:oid backend_xmin:oid query_id:int8 query backend_type
pg_stat_ssl: pid:int4 ssl:bool version cipher bits:int4 client_dn client_serial issuer_dn
pg_statistic_ext: oid stxrelid:oid stxname stxnamespace:oid stxowner:oid stxstattarget:int4 stxkeys:int2[] stxkind:text[] stxexprs
pg_statistic_ext_data: stxoid stxdinherit:bool stxdndistinct stxddependencies stxdmcv stxdexpr
pg_stats: schemaname tablename attname inherited:bool null_frac:float4 avg_width:int4 n_distinct:float4
pg_subscription: oid subdbid:oid subname subowner:oid subenabled:bool subbinary:bool substream:bool subconninfo subslotname subsynccommit subpublications:text[]
pg_transform: oid trftype:oid trflang:oid trffromsql:oid trftosql:oid
pg_trigger: oid tgrelid:oid tgparentid:oid tgname tgfoid tgtype:int2 tgenabled tgisinternal:bool tgconstrrelid:oid tgconstrindid:oid tgconstraint:oid tgdeferrable:bool tginitdeferred:bool tgnargs:int2 tgattr:int2[] tgargs tgqual tgoldtable tgnewtable
pg_ts_config: oid cfgname cfgnamespace:oid cfgowner:oid cfgparser:oid
pg_ts_dict: oid dictname dictnamespace:oid dictowner:oid dicttemplate:oid dictinitoption
pg_ts_parser: oid prsname prsnamespace:oid prsstart:oid prstoken:oid prsend:oid prsheadline:oid prslextype:oid
pg_ts_template: oid tmplname tmplnamespace:oid tmplinit:oid tmpllexize:oid
pg_user_mapping: oid umuser:oid umserver:oid umoptions:text[]
pg_user_mappings: umid:oid srvid:oid srvname umuser:oid usename umoptions:text[]
pg_matviews: schemaname matviewname matviewowner tablespace hasindexes:bool ispopulated:bool definition
pg_indexes: schemaname tablename indexname tablespace indexdef
pg_group: groname grosysid:oid grolist:oid[]
`,
);

const select = (name: string, columns: string, sql: string) => ({
  ...relations('pg_catalog', `${name}: ${columns}`)[0]!,
  select: sql,
});

const OWNER = "'runlake'";

/** Relations of `pg_catalog` that show others in another way. */
export const PG_CATALOG_VIEWS = [
  select(
    'pg_tables',
    'schemaname tablename tableowner tablespace hasindexes:bool hasrules:bool hastriggers:bool rowsecurity:bool',
    `SELECT n.nspname, c.relname, ${OWNER}, NULL::VARCHAR, false, false, false, false
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'`,
  ),
  select(
    'pg_views',
    'schemaname viewname viewowner definition',
    `SELECT n.nspname, c.relname, ${OWNER}, rl_definition(c.oid)
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v'`,
  ),
  select(
    'pg_stat_user_tables',
    'relid schemaname relname seq_scan:int8 seq_tup_read:int8 idx_scan:int8 idx_tup_fetch:int8 n_tup_ins:int8 n_tup_upd:int8 n_tup_del:int8 n_live_tup:int8 n_dead_tup:int8 last_vacuum:time last_autovacuum:time last_analyze:time last_autoanalyze:time',
    `SELECT c.oid, n.nspname, c.relname, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = 'public'`,
  ),
  select(
    'pg_user',
    'usename usesysid:oid usecreatedb:bool usesuper:bool userepl:bool usebypassrls:bool passwd valuntil:time useconfig:text[]',
    `SELECT rolname, oid, rolcreatedb, rolsuper, rolreplication, rolbypassrls, '********', NULL, NULL FROM pg_roles`,
  ),
  select(
    'pg_shadow',
    'usename usesysid:oid usecreatedb:bool usesuper:bool',
    'SELECT rolname, oid, rolcreatedb, rolsuper FROM pg_roles',
  ),
  select(
    'pg_authid',
    'oid rolname rolsuper:bool rolcanlogin:bool',
    'SELECT oid, rolname, rolsuper, rolcanlogin FROM pg_roles',
  ),
  select('pg_show_all_settings', 'name setting', 'SELECT name, setting FROM pg_settings'),
];
