import { createHash } from 'node:crypto';
import { PG_TYPES, pgTypeNamed } from './pg-types.ts';
import { localName } from './relation.ts';
import { SYSTEM_RELATIONS } from './system-relations.ts';
import { FUNCTION_KINDS, functionName } from './system-rows.ts';

export const SCHEMAS = { pg_catalog: 11, public: 2200, information_schema: 13_000 } as const;
/** Fixed in PostgreSQL, and known to clients by number. */
const KNOWN_OIDS: Readonly<Record<string, number>> = {
  pg_type: 1247,
  pg_attribute: 1249,
  pg_proc: 1255,
  pg_class: 1259,
  pg_database: 1262,
  pg_namespace: 2615,
  pg_description: 2609,
  pg_constraint: 2606,
};
const FIRST_SYSTEM_OID = 14_000;
const FIRST_USER_OID = 16_384;

export type NamedKind = 'regclass' | 'regtype' | 'regproc' | 'regnamespace';

/** The numbers by which PostgreSQL's catalog knows relations, types, functions and schemas. */
export class Oids {
  readonly #relations: ReadonlyMap<string, number>;
  /** Input and output functions of the types. */
  readonly functions: ReadonlyMap<string, number>;

  /** @param listed names of the lake's relations */
  constructor(listed: readonly string[]) {
    const relations = new Map<string, number>();
    for (const [i, relation] of SYSTEM_RELATIONS.entries()) {
      relations.set(localName(relation), KNOWN_OIDS[localName(relation)] ?? FIRST_SYSTEM_OID + i);
    }
    for (const name of listed) relations.set(name, freeOid(name, new Set(relations.values())));
    this.#relations = relations;
    this.functions = new Map(
      PG_TYPES.flatMap((type, i) =>
        FUNCTION_KINDS.map((kind, k) => [functionName(type, kind), 5000 + i * 4 + k] as const),
      ),
    );
  }

  /** Of a relation that there is, by the name that it has here. */
  ofRelation(name: string): number {
    return this.#relations.get(name) ?? 0;
  }

  /** What `'name'::regclass` and its kin mean; undefined when there is no such thing. */
  lookUp(kind: NamedKind, name: string): number | undefined {
    const parts = (name.match(/"(?:[^"]|"")*"|[^."]+/g) ?? []).map((part) =>
      part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase(),
    );
    const last = parts.at(-1) ?? '';
    if (kind === 'regclass') {
      return this.#relations.get(parts.at(-2) === 'information_schema' ? `information_schema_${last}` : last);
    }
    if (kind === 'regproc') return this.functions.get(last);
    if (kind === 'regnamespace') return Object.entries(SCHEMAS).find(([schema]) => schema === last)?.[1];
    return pgTypeNamed(last)?.oid;
  }
}

/** The same number for a name on every server: clients may keep it. */
function freeOid(name: string, taken: ReadonlySet<number>): number {
  const space = 0x7fff_ffff - FIRST_USER_OID;
  let oid = FIRST_USER_OID + (createHash('sha256').update(name).digest().readUInt32BE() % space);
  while (taken.has(oid)) oid++;
  return oid;
}
