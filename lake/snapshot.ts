import { z } from 'zod';
import type { LakeSnapshot } from './engine/types.ts';
import { InvalidArgumentError } from './errors.ts';
import type { Snapshot as TableSnapshot } from './log/snapshot.ts';
import { RUNS } from './tables/tables.ts';
import { type RunEntry, runsOf, visibleIngests } from './visibility.ts';

/** Where a commit of `runs` records, as a token, which versions of the other tables belong to it. */
export const VERSIONS_PARAMETER = 'runlake.versions';

const tokenSchema = z.object({ v: z.literal(1), t: z.record(z.string(), z.int().nonnegative()) });

/** A snapshot token: the version of every table, opaque to clients. */
export function encodeToken(versions: Readonly<Record<string, number>>): string {
  const sorted = Object.fromEntries(Object.entries(versions).sort(([a], [b]) => (a < b ? -1 : 1)));
  return Buffer.from(JSON.stringify({ v: 1, t: sorted })).toString('base64url');
}

/** @throws InvalidArgumentError */
export function decodeToken(token: string): Record<string, number> {
  try {
    return tokenSchema.parse(JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))).t;
  } catch (cause) {
    throw new InvalidArgumentError('this is no snapshot token', {
      expected: 'the text of `extensions.snapshot` of an earlier answer',
      cause,
    });
  }
}

/** One state of the whole lake, resolved: the snapshot of every table and what is visible in it. */
export class ResolvedSnapshot implements LakeSnapshot {
  readonly versions: Readonly<Record<string, number>>;
  readonly token: string;
  readonly timestamp: Date;
  readonly tables: ReadonlyMap<string, TableSnapshot>;
  /** Visible runs by run id. */
  readonly runs: ReadonlyMap<string, RunEntry>;
  /** Ingests whose rows are current. */
  readonly visible: ReadonlySet<string>;

  constructor(tables: ReadonlyMap<string, TableSnapshot>) {
    this.tables = tables;
    this.versions = Object.fromEntries([...tables].map(([name, table]) => [name, table.version]));
    this.token = encodeToken(this.versions);
    this.timestamp = new Date(Math.max(0, ...[...tables.values()].map((t) => t.timestamp.getTime())));
    const runs = new Map<string, RunEntry>();
    for (const file of tables.get(RUNS.name)?.files.values() ?? []) {
      for (const run of runsOf(file)) runs.set(run.run_id, run);
    }
    this.runs = runs;
    this.visible = visibleIngests(runs.values());
  }
}
