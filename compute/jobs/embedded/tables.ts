import { type Database, open, type RootDatabase } from 'lmdb';
import type { Job, JobEvent } from '../job.ts';

/** The place in line of a pending job. */
export type ReadyKey = [priority: number, createdAt: number, id: string];

/** The databases of the LMDB environment in a directory. */
export interface Tables {
  readonly root: RootDatabase;
  readonly jobs: Database<Job, string>;
  /** Pending jobs that wait for no other one, the next one first. */
  readonly ready: Database<true, ReadyKey>;
  readonly running: Database<true, string>;
  /** Jobs that have not ended. */
  readonly unfinished: Database<true, string>;
  /** Which jobs wait for which: `[dependency, job]`. */
  readonly dependents: Database<true, [string, string]>;
  readonly events: Database<JobEvent, [string, number]>;
  /** Jobs that have ended, with their last event, until that is kept elsewhere. */
  readonly unrecorded: Database<number, string>;
  /** Ids of changed jobs by a number that grows; for watchers. */
  readonly changes: Database<string, number>;
}

/** Opens the environment, making it when it is not there. */
export function openTables(path: string): Tables {
  const root = open({ path, encoding: 'json', maxDbs: 8 });
  const table = <V, K extends string | number | readonly (string | number)[]>(name: string) =>
    root.openDB({ name, encoding: 'json' }) as Database<V, K & (string | number | (string | number)[])>;
  return {
    root,
    jobs: table('jobs'),
    ready: table('ready'),
    running: table('running'),
    unfinished: table('unfinished'),
    dependents: table('dependents'),
    events: table('events'),
    unrecorded: table('unrecorded'),
    changes: table('changes'),
  };
}

/** The number of the last change of any job, 0 before the first. */
export function lastChange({ changes }: Tables): number {
  const [last] = changes.getKeys({ reverse: true, limit: 1 });
  return last ?? 0;
}
