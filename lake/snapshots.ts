import type { AsOf, LakeSnapshot } from './engine/types.ts';
import { InvalidArgumentError } from './errors.ts';
import { TableNotFoundError, VersionNotFoundError } from './log/errors.ts';
import { readCommit } from './log/log-files.ts';
import type { Snapshot as TableSnapshot } from './log/snapshot.ts';
import { decodeToken, encodeToken, ResolvedSnapshot, VERSIONS_PARAMETER } from './snapshot.ts';
import { unlessAborted } from './store/abort.ts';
import { type CallOptions, ObjectNotFoundError, type ObjectStore } from './store/object-store.ts';
import type { TableSet } from './table-set.ts';
import { RUNS } from './tables/tables.ts';
import { inSpan } from './telemetry.ts';

export interface SnapshotsOptions {
  readonly store: ObjectStore;
  readonly tables: TableSet;
  /** How long the newest state may be reused before looking for newer commits; 0 looks every time. */
  readonly maxAgeMs: number;
}

/** How long other tables than `runs` go unlooked at: well below any retention of vacuum. */
const FULL_LOOK_MS = 60_000;

/** States that are remembered by their tokens. */
const MAX_PINNED = 64;

/** The states of a lake: the newest one, and those of tokens, versions and times. */
export class Snapshots {
  readonly #store: ObjectStore;
  readonly #tables: TableSet;
  readonly #maxAgeMs: number;
  /** `at`: when it was last known to be the newest; `resolvedAt`: when every table was looked at. */
  #latest: { snapshot: ResolvedSnapshot; at: number; resolvedAt: number } | undefined;
  #resolving: Promise<ResolvedSnapshot> | undefined;
  readonly #byToken = new Map<string, ResolvedSnapshot>();

  constructor({ store, tables, maxAgeMs }: SnapshotsOptions) {
    this.#store = store;
    this.#tables = tables;
    this.#maxAgeMs = maxAgeMs;
  }

  /** The state that is asked for. @throws InvalidArgumentError, VersionNotFoundError */
  async at(asOf: AsOf, options: CallOptions): Promise<ResolvedSnapshot> {
    const { snapshot: token, version, timestamp } = asOf;
    if ([token, version, timestamp].filter((v) => v !== undefined).length > 1) {
      throw new InvalidArgumentError('asOf takes one of snapshot, version and timestamp');
    }
    if (token !== undefined) return this.#pinned(decodeToken(token), options);
    if (version !== undefined || timestamp !== undefined) {
      return this.#pinned(await this.#versionsAt({ version, timestamp }, options), options);
    }
    if (this.#latest !== undefined && Date.now() - this.#latest.at <= this.#maxAgeMs)
      return this.#latest.snapshot;
    // Several callers wait for it: none of them may end it for the others.
    this.#resolving ??= inSpan('snapshot', {}, () => this.#resolve()).finally(() => {
      this.#resolving = undefined;
    });
    return unlessAborted(this.#resolving, options.signal, 'looking for the newest state of the lake');
  }

  /** The tables behind a snapshot that anyone may have made. */
  async resolved(snapshot: LakeSnapshot, options: CallOptions): Promise<ResolvedSnapshot> {
    return snapshot instanceof ResolvedSnapshot ? snapshot : this.#pinned({ ...snapshot.versions }, options);
  }

  /** Forgets how old the newest known state is, so that the next one sees every commit made before now. */
  refresh(): void {
    this.#latest = undefined;
  }

  /**
   * The newest state. `runs` is read first and once more at the end: a run that was replaced in between could have
   * lost its rows to a compaction that the other tables' newest versions already show.
   */
  async #resolve(): Promise<ResolvedSnapshot> {
    for (;;) {
      const at = Date.now();
      const runs = await this.#newest(RUNS.name);
      const known = this.#latest;
      const recent = known !== undefined && at - known.resolvedAt < FULL_LOOK_MS;
      if (recent && runs !== undefined && runs.version === known.snapshot.versions[RUNS.name]) {
        // Without a commit to `runs` nothing visible has changed, and what compaction replaced is still there.
        this.#latest = { ...known, at };
        return known.snapshot;
      }
      const tables = new Map(runs === undefined ? [] : [[RUNS.name, runs]]);
      await Promise.all(
        [...this.#tables.specs.keys()].map(async (name) => {
          if (name === RUNS.name) return;
          const state = await this.#newest(name);
          if (state !== undefined) tables.set(name, state);
        }),
      );
      if ((await this.#newest(RUNS.name))?.version !== runs?.version) continue;
      const snapshot = new ResolvedSnapshot(tables);
      this.#latest = { snapshot, at, resolvedAt: at };
      this.#remember(snapshot);
      return snapshot;
    }
  }

  async #newest(name: string): Promise<TableSnapshot | undefined> {
    try {
      return await this.#tables.table(name).snapshot();
    } catch (error) {
      if (error instanceof TableNotFoundError) return undefined;
      throw error;
    }
  }

  async #pinned(versions: Readonly<Record<string, number>>, options: CallOptions): Promise<ResolvedSnapshot> {
    const known = this.#byToken.get(encodeToken(versions));
    if (known !== undefined) return known;
    const entries = await Promise.all(
      Object.entries(versions).map(
        async ([name, version]) =>
          [name, await this.#tables.table(name).snapshot({ version, ...options })] as const,
      ),
    );
    const snapshot = new ResolvedSnapshot(new Map(entries));
    this.#remember(snapshot);
    return snapshot;
  }

  #remember(snapshot: ResolvedSnapshot): void {
    this.#byToken.set(snapshot.token, snapshot);
    const oldest = this.#byToken.keys().next().value;
    if (this.#byToken.size > MAX_PINNED && oldest !== undefined) this.#byToken.delete(oldest);
  }

  /** The versions of all tables that belong to a state of `runs`. */
  async #versionsAt(
    asOf: { readonly version?: number; readonly timestamp?: Date },
    options: CallOptions,
  ): Promise<Record<string, number>> {
    const runs = await this.#tables.table(RUNS.name).snapshot({ ...asOf, ...options });
    return { ...(await this.#recordedVersions(runs, options)), [RUNS.name]: runs.version };
  }

  /** What the newest commit of runs up to a state recorded: compactions and changes of columns change no rows, and record nothing. */
  async #recordedVersions(
    { root, version }: TableSnapshot,
    options: CallOptions,
  ): Promise<Readonly<Record<string, number>>> {
    for (let at = version; at >= 0; at--) {
      const actions = await readCommit(this.#store, root, at, options).catch((error: unknown) => {
        throw error instanceof ObjectNotFoundError ? unrecordedState(version, error) : error;
      });
      const { operationParameters } = actions.find((action) => action.commitInfo)?.commitInfo ?? {};
      const recorded = operationParameters?.[VERSIONS_PARAMETER];
      if (typeof recorded === 'string') return decodeToken(recorded);
    }
    return {};
  }
}

function unrecordedState(version: number, cause: unknown): VersionNotFoundError {
  return new VersionNotFoundError(
    `the log does not tell any more what belongs to version ${version} of runs`,
    {
      expected: 'a state that is young enough for vacuum to keep its log',
      remedy: 'ask for a newer state, or by the token of `extensions.snapshot`',
      cause,
    },
  );
}
