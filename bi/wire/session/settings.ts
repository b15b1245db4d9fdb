import { SETTINGS } from '../../catalog/settings.ts';
import { WireError } from '../protocol/sqlstate.ts';
import { type RowSource, textSource } from './rows.ts';

/** Settings whose changes PostgreSQL reports to the client as they happen. */
const REPORTED = [
  'application_name',
  'client_encoding',
  'DateStyle',
  'default_transaction_read_only',
  'in_hot_standby',
  'integer_datetimes',
  'IntervalStyle',
  'is_superuser',
  'server_encoding',
  'server_version',
  'session_authorization',
  'standard_conforming_strings',
  'TimeZone',
] as const;

/** Settings that have one value here, and the spellings of it that clients send. */
const FIXED: Readonly<Record<string, RegExp>> = {
  client_encoding: /^(utf-?8|unicode|sql_ascii)$/i,
  standard_conforming_strings: /^(on|true|yes|1)$/i,
  bytea_output: /^hex$/i,
  intervalstyle: /^postgres$/i,
  transaction_isolation: /^(serializable|repeatable read|read committed|read uncommitted)$/i,
  default_transaction_isolation: /^(serializable|repeatable read|read committed|read uncommitted)$/i,
};

/** Settings that clients may ask for, and that go on as they are with a warning. */
const KEPT: Readonly<Record<string, RegExp>> = {
  timezone: /^(utc|gmt|etc\/utc|z|\+?0+(:00)?)$/i,
  datestyle: /^\s*"?iso\b/i,
};

const READ_ONLY = new Set([
  'server_version',
  'server_version_num',
  'server_encoding',
  'integer_datetimes',
  'is_superuser',
  'in_hot_standby',
  'session_authorization',
  'max_identifier_length',
  'max_index_keys',
  'ssl',
  'lc_collate',
  'lc_ctype',
]);

const DEFAULTS = new Map(SETTINGS.map(([name, value]) => [name.toLowerCase(), { name, value }]));

/** The settings of a session (`SET`, `SHOW`). */
export class Settings {
  readonly #values = new Map<string, string>();
  readonly #initial: ReadonlyMap<string, string>;
  /** What a transaction began with. */
  #saved: ReadonlyMap<string, string> | undefined;
  #local = new Map<string, string | undefined>();

  /** @param initial what the session begins with where that is not the default */
  constructor(initial: ReadonlyMap<string, string>) {
    this.#initial = new Map([...initial].map(([name, value]) => [name.toLowerCase(), value]));
  }

  get(name: string): string | undefined {
    const key = name.toLowerCase();
    return (
      this.#local.get(key) ?? this.#values.get(key) ?? this.#initial.get(key) ?? DEFAULTS.get(key)?.value
    );
  }

  all(): readonly (readonly [name: string, value: string, description: string])[] {
    return SETTINGS.map(([name, , description]) => [name, this.get(name) ?? '', description]);
  }

  /** The value of a setting that counts milliseconds: `5s`, `'1min'`, `250`. 0 stands for none. */
  milliseconds(name: string): number {
    const match = /^\s*(\d+)\s*(us|ms|s|min|h|d)?\s*$/.exec(this.get(name) ?? '');
    const units: Readonly<Record<string, number>> = {
      us: 1e-3,
      ms: 1,
      s: 1e3,
      min: 60_000,
      h: 3_600_000,
      d: 86_400_000,
    };
    return match === null ? 0 : Math.ceil(Number(match[1]) * (units[match[2] ?? 'ms'] ?? 1));
  }

  /**
   * @param local only until the transaction ends
   * @returns a warning for the client where the value cannot be followed
   * @throws WireError
   */
  set(name: string, given: string, local = false): string | undefined {
    // Some drivers quote what they send at startup.
    const value = /^'(.*)'$/s.exec(given)?.[1] ?? given;
    const key = name.toLowerCase();
    const known = DEFAULTS.get(key);
    // Names with a dot are the client's own, as in PostgreSQL.
    if (known === undefined && !key.includes('.')) {
      throw new WireError('undefinedObject', `unrecognized configuration parameter "${name}"`);
    }
    if (READ_ONLY.has(key)) throw new WireError('notInState', `parameter "${name}" cannot be changed`);
    if (FIXED[key]?.test(value) === false) throw invalidValue(name, value);
    if (key.endsWith('read_only') && !/^(on|true|yes|1)$/i.test(value)) {
      throw new WireError(
        'featureNotSupported',
        'cannot set transaction read-write mode: the lake is read-only here',
      );
    }
    if (key.endsWith('_timeout') && !/^\s*\d+\s*(us|ms|s|min|h|d)?\s*$/.test(value))
      throw invalidValue(name, value);
    if (Object.hasOwn(KEPT, key)) {
      return KEPT[key]?.test(value)
        ? undefined
        : `"${known?.name}" stays ${this.get(key)}: times are computed and shown in UTC and ISO`;
    }
    if (FIXED[key] !== undefined || key.endsWith('read_only')) return undefined;
    if (local) this.#local.set(key, value);
    else this.#values.set(key, value);
    return undefined;
  }

  reset(name?: string): void {
    if (name === undefined) this.#values.clear();
    else if (DEFAULTS.has(name.toLowerCase()) || name.includes('.')) this.#values.delete(name.toLowerCase());
    else throw new WireError('undefinedObject', `unrecognized configuration parameter "${name}"`);
  }

  begin(): void {
    this.#saved = new Map(this.#values);
  }

  /** What a transaction set goes away with it when it is rolled back, and what it set locally in any case. */
  end(committed: boolean): void {
    if (!committed && this.#saved !== undefined) {
      this.#values.clear();
      for (const [name, value] of this.#saved) this.#values.set(name, value);
    }
    this.#saved = undefined;
    this.#local = new Map();
  }

  /** Name and value of everything that clients are kept informed of. */
  reported(): [name: string, value: string][] {
    return REPORTED.map((name) => [name, this.get(name) ?? '']);
  }
}

/** What SHOW answers: a setting, or all of them. @throws WireError for a name that is none */
export function shownSettings(settings: Settings, name: string): RowSource {
  if (name.toLowerCase() === 'all') return textSource(['name', 'setting', 'description'], settings.all());
  const value = settings.get(name);
  if (value === undefined) {
    throw new WireError('undefinedObject', `unrecognized configuration parameter "${name}"`);
  }
  return textSource([name], [[value]]);
}

function invalidValue(name: string, value: string): WireError {
  return new WireError('invalidParameter', `invalid value for parameter "${name}": "${value}"`);
}
