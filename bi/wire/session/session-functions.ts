import { DATABASE, SERVER_VERSION } from '../../catalog/settings.ts';
import { WireError } from '../protocol/sqlstate.ts';
import type { SessionValue } from '../sql/rewrite/context.ts';
import type { Settings } from './settings.ts';

/** What a session knows of itself. */
export interface SessionFacts {
  readonly user: string;
  readonly processId: number;
  readonly settings: Settings;
  readonly startedAt: Date;
  /** Both undefined where the peer is not known. */
  readonly client: { readonly address: string | undefined; readonly port: number | undefined };
}

export const VERSION = `PostgreSQL ${SERVER_VERSION} (Runlake, DuckDB)`;

const text = (value: string | null): SessionValue => ({ type: 'VARCHAR', value });
const integer = (value: number | undefined): SessionValue => ({
  type: 'INTEGER',
  value: value === undefined ? null : String(value),
});
const bool = (value: boolean): SessionValue => ({ type: 'BOOLEAN', value: String(value) });
const time = (date: Date): SessionValue => ({ type: 'TIMESTAMP WITH TIME ZONE', value: date.toISOString() });

type SessionFunction = (
  facts: SessionFacts,
  args: readonly (string | undefined)[],
) => SessionValue | undefined;

const user: SessionFunction = (facts) => text(facts.user);
const database: SessionFunction = () => text(DATABASE);
/** PostgreSQL's type `void` is shown as an empty text. */
const nothing: SessionFunction = () => text('');

const FUNCTIONS: Readonly<Record<string, SessionFunction>> = {
  current_user: user,
  session_user: user,
  user,
  current_role: user,
  current_database: database,
  current_catalog: database,
  current_schema: () => text('public'),
  current_schemas: (_, [implicit]) => ({
    type: 'VARCHAR',
    value: /^t/i.test(implicit ?? 'true') ? ['pg_catalog', 'public'] : ['public'],
  }),
  version: () => text(VERSION),
  pg_backend_pid: (facts) => integer(facts.processId),
  pg_postmaster_start_time: (facts) => time(facts.startedAt),
  pg_conf_load_time: (facts) => time(facts.startedAt),
  pg_is_in_recovery: () => bool(false),
  pg_is_wal_replay_paused: () => bool(false),
  txid_current: () => ({ type: 'BIGINT', value: '1' }),
  txid_current_if_assigned: () => ({ type: 'BIGINT', value: null }),
  pg_current_xact_id: () => ({ type: 'BIGINT', value: '1' }),
  pg_current_snapshot: () => text('1:1:'),
  inet_client_addr: (facts) => text(facts.client.address ?? null),
  inet_client_port: (facts) => integer(facts.client.port),
  inet_server_addr: () => text(null),
  inet_server_port: () => integer(undefined),
  pg_client_encoding: () => text('UTF8'),
  getdatabaseencoding: () => text('UTF8'),
  pg_advisory_unlock_all: nothing,
  pg_cancel_backend: () => bool(false),
  pg_terminate_backend: () => bool(false),
  pg_listening_channels: nothing,
  pg_stat_clear_snapshot: nothing,
  current_setting: (facts, [name, missing]) => {
    if (name === undefined) return undefined;
    const value = facts.settings.get(name);
    if (value !== undefined) return text(value);
    if (/^t/i.test(missing ?? '')) return text(null);
    throw new WireError('undefinedObject', `unrecognized configuration parameter "${name}"`);
  },
  set_config: (facts, [name, value, local]) => {
    if (name === undefined || value === undefined) return undefined;
    facts.settings.set(name, value, /^t/i.test(local ?? ''));
    return text(facts.settings.get(name) ?? value);
  },
};

/** The value of a function of the session; undefined when it is none. */
export function sessionFunction(
  facts: SessionFacts,
  name: string,
  args: readonly (string | undefined)[],
): SessionValue | undefined {
  return Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]?.(facts, args) : undefined;
}
