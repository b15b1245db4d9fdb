import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Lake } from '../../lake/lake.ts';
import { ObjectNotFoundError, type ObjectStore } from '../../lake/store/object-store.ts';
import { openStore } from '../../lake/store/open-store.ts';
import { generateLake } from '../data/lake.ts';
import { graphqlSession, withWriter } from '../lakes.ts';
import { milliseconds, type Spread, seconds, spread } from '../measure.ts';
import { dataset } from '../scratch.ts';
import type { Bench, BenchContext, Outcome } from '../types.ts';
import { questions } from './scale-questions.ts';

/** `s3://bucket/prefix` of a bucket that may be written to; S3_ENDPOINT and AWS_… as everywhere. */
const S3_VARIABLE = 'RUNLAKE_BENCH_S3';
const MEMORY = 2e9;
const CACHE_BYTES = 20e9;
const PARALLEL = 8;

const GENERATIONS = `query ($run: String) { generations(filter: { runId: { eq: $run } }, orderBy: [{ field: EXAMPLE_ID }], first: 100) {
  nodes { exampleId prompt response reference halu prediction { scoreHalu } activations(layer: 8) { layer tokenIndex norm vector } }
  pageInfo { hasNextPage endCursor } } }`;

/**
 * What a server that has just been started needs for its first answer, and for later ones: the log is replayed and
 * data files are fetched into an empty cache. On S3 the reference is fetching the same objects and nothing else.
 */
export const graphqlCold: Bench = {
  name: 'graphql-cold',
  doc: `first and later answers at 10,000 runs, 5 M predictions, 2 M generations, 1 M activations; on S3 too when ${S3_VARIABLE} names a bucket`,
  async run(context) {
    const { quick, scratch, threads, log } = context;
    const size = quick
      ? { runs: 500, predictions: 250_000, generations: 100_000, activations: 20_000 }
      : { runs: 10_000, predictions: 5_000_000, generations: 2_000_000, activations: 1_000_000 };
    const directory = await dataset(scratch, `cold-${size.runs}`, (unfinished) =>
      withWriter(unfinished, threads, (writer) => generateLake(writer, { ...size, hidden: 256 })),
    );
    const local = `file:${join(directory, 'store')}`;
    const outcomes = await measure(context, 'directory', local);
    const bucket = process.env[S3_VARIABLE];
    if (bucket === undefined) {
      log(`S3 is left out: ${S3_VARIABLE} is not set`);
      return outcomes;
    }
    const remote = `${bucket.replace(/\/$/, '')}/bench-${randomUUID()}`;
    const store = await openStore(remote);
    try {
      await copy(await openStore(local), store);
      return [...outcomes, ...(await measure(context, 'S3', remote))];
    } finally {
      for await (const { key } of store.list()) await store.delete([key]);
    }
  },
};

async function measure(context: BenchContext, place: string, uri: string): Promise<Outcome[]> {
  const home = join(context.scratch, `cold-home-${randomUUID()}`);
  const fetched = new Set<string>();
  const store = recorded(await openStore(uri), fetched);
  const open = () =>
    Lake.open({
      store,
      home,
      cacheBytes: CACHE_BYTES,
      memory: MEMORY,
      threads: context.threads,
    });
  const lake = await open();
  const runs = [...(await lake.snapshot()).runs.keys()].sort();
  await lake.close();
  const run = runs[Math.floor(runs.length / 2)] ?? '';
  const asked = [
    ...questions(run),
    { name: 'page of generations with score and vector', graphql: GENERATIONS, variables: { run } },
  ];
  const outcomes: Outcome[] = [];
  for (const { name, graphql, variables } of asked) {
    const cold: number[] = [];
    const plain: number[] = [];
    let warm: number[] = [];
    for (let round = 0; round < Math.max(2, Math.ceil(context.repetitions / 2)); round++) {
      await rm(home, { recursive: true, force: true });
      fetched.clear();
      const opened = await open();
      const session = await graphqlSession(opened);
      const ask = () => seconds(() => session.ask(graphql, variables));
      try {
        cold.push(await ask());
        warm = [];
        for (let i = 0; i < 4 * context.repetitions; i++) warm.push(await ask());
        if (place === 'S3') plain.push(await seconds(() => fetchAll(store, [...fetched])));
      } finally {
        await session.close();
        await opened.close();
      }
    }
    outcomes.push(
      first(`${place}, first answer: ${name}`, spread(cold), plain),
      absolute(`${place}, later: ${name}`, spread(warm)),
    );
  }
  await rm(home, { recursive: true, force: true });
  return outcomes;
}

function first(what: string, ours: Spread, plain: readonly number[]): Outcome {
  if (plain.length === 0) return absolute(what, ours);
  const reference = spread(plain);
  const value = ours.median / reference.median;
  return { what, unit: 's', ours, reference, against: 'fetching the same objects', value };
}

function absolute(what: string, took: Spread): Outcome {
  const ours = milliseconds(took);
  return { what, unit: 'ms', ours, value: ours.median };
}

/** Fetches objects as the cache does, some at a time, and forgets them. */
async function fetchAll(store: ObjectStore, left: string[]): Promise<void> {
  const work = async () => {
    for (let key = left.pop(); key !== undefined; key = left.pop()) {
      try {
        for await (const _ of store.stream(key));
      } catch (error) {
        // The version that the log does not have yet was asked for, too.
        if (!(error instanceof ObjectNotFoundError)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

/** The store, with the keys of what is read from it. */
function recorded(store: ObjectStore, keys: Set<string>): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (name === 'get' || name === 'stream') keys.add(String(args[0]));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}

async function copy(from: ObjectStore, to: ObjectStore): Promise<void> {
  for await (const { key } of from.list()) {
    const path = from.localPath(key);
    if (path !== undefined) await to.upload(key, { file: path });
  }
}
