import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Job } from '../../compute/jobs/job.ts';
import type { TaskContext } from '../../compute/jobs/worker.ts';
import type { FvSpec } from '../../compute/tasks/fv/spec.ts';
import type { FvModel } from '../../compute/tasks/fv/sweep/readings.ts';
import type { TaskDefinition } from '../../compute/tasks/task.ts';
import { MemoryStore } from '../../lake/log/memory-store.test-support.ts';
import type { ObjectStore } from '../../lake/store/object-store.ts';
import { demoModel } from './demo-model.ts';

/** Some rows of relations of the demo model, as one relation file. */
export function demoRelation(names: readonly string[], rows: number): string {
  const lines = names.flatMap((name) =>
    readFileSync(`${demoModel}data/relations/${name}.csv`, 'utf8')
      .trim()
      .split('\n')
      .slice(1, rows + 1),
  );
  return ['q_id,relation,input,output', ...lines, ''].join('\n');
}

/** A model that counts what it is asked for, and may refuse. */
export function counting(before: () => void): (model: FvModel) => FvModel {
  return ({ info, forward, readTargets }) => ({
    info,
    forward: async (...args) => {
      before();
      await forward(...args);
    },
    readTargets: async (...args) => {
      before();
      await readTargets(...args);
    },
  });
}

/** A store in which the job `job` began at a fixed time. */
export async function startedStore(): Promise<MemoryStore> {
  const start = {
    date: '2026-01-02',
    createdAt: '2026-01-02T03:04:05.000Z',
    git: { commit: 'unknown', dirty: false },
    environment: { python_version: 'none', platform: 'test', cuda: null, node_version: 'v20' },
  };
  const store = new MemoryStore();
  await store.put('jobs/job/start.json', Buffer.from(JSON.stringify(start)));
  return store;
}

/** The context of the job `job`. @param said gets its stages and log lines */
export function taskContext(signal = new AbortController().signal, said: string[] = []): TaskContext {
  const job: Job = {
    id: 'job',
    kind: 'fv',
    state: 'running',
    priority: 0,
    spec: null,
    dependsOn: [],
    owner: null,
    createdAt: 0,
    updatedAt: 0,
    startedAt: 0,
    finishedAt: null,
    notBefore: 0,
    attempt: 1,
    maxAttempts: 3,
    worker: 'w',
    leaseUntil: null,
    cancelRequested: false,
    progress: null,
    failure: null,
    result: null,
  };
  return {
    job,
    signal,
    progress: ({ stage }) => void said.push(stage),
    log: (_, text) => void said.push(text),
  };
}

/** Runs a job without a lake: nothing is ingested. */
export function runWithoutLake(
  task: TaskDefinition<FvSpec>,
  store: ObjectStore,
  spec: FvSpec,
  context = taskContext(),
) {
  return task.run(spec, context, {
    get lake(): never {
      throw new Error('these jobs have no lake');
    },
    store,
    scratch: tmpdir(),
    env: {},
    ingest: async () => ({ runs: [], issues: [] }),
  });
}

/** Every file below a key but for the times of changes of state, by its name. */
export async function filesBelow(store: ObjectStore, prefix: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const { key } of store.list({ prefix: `${prefix}/` })) {
    const text = Buffer.from(await store.get(key)).toString('latin1');
    files.set(key.slice(prefix.length + 1), text.replace(/"updated_at": "[^"]*"/, ''));
  }
  return files;
}

/** From the first write on that `may` refuses all fail: the process is dead. */
export function guardWrites(store: MemoryStore, may: (key: string) => boolean): void {
  let dead = false;
  store.before = (operation, key) => {
    if (!['put', 'putIfAbsent', 'delete'].includes(operation)) return;
    dead ||= !may(key);
    if (dead) throw new Error('killed');
  };
}
