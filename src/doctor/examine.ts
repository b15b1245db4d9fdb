import { access, constants, mkdir, readFile, statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { version as duckdbVersion } from '@duckdb/node-api';
import { z } from 'zod';
import { GRAPH_VERSION } from '../../compute/model/components/decoder-graph.ts';
import { type TrialOptions, tryProviders } from '../../compute/model/engine/provider-trials.ts';
import { listVerdicts, type StoredVerdict } from '../../compute/model/verdicts.ts';
import { messageOf } from '../../lake/errors.ts';
import { openStore } from '../../lake/store/open-store.ts';
import { probePutIfAbsent } from '../../lake/store/probe.ts';
import type { Config, ResolvedSetting } from '../config.ts';
import { openQueue } from '../jobs.ts';
import { openLake, storeEnvironment } from '../session.ts';
import { describeMachine } from './machine.ts';
import type { DoctorReport } from './report.ts';

/** A parameter in float32 with its share of keys, values and outputs; and what a model takes beside its parameters (bench/README.md). */
const BYTES_A_PARAMETER = 4.6;
const BYTES_A_MODEL = 3e8;

/** Stores and databases that do not answer are given up on. */
const TIMEOUT_MS = 20_000;

/** Looks at everything that Runlake depends on here. What does not work is a check that did not pass, never an error. */
export async function examine(
  config: Config,
  settings: readonly ResolvedSetting[],
  options: TrialOptions = {},
): Promise<DoctorReport> {
  const checks: DoctorReport['checks'] = [];
  const attempt = async (check: string, work: () => Promise<string>): Promise<void> => {
    try {
      checks.push({ check, passed: true, detail: await inTime(work()) });
    } catch (error) {
      checks.push({ check, passed: false, detail: messageOf(error) });
    }
  };
  const store = () => openStore(config.store, { env: storeEnvironment(config) });
  await attempt('lake can be read', async () => {
    const lake = await openLake(config);
    try {
      const { runs, versions } = await lake.snapshot();
      return `${runs.size} runs, ${Object.keys(versions).length} tables`;
    } finally {
      await lake.close();
    }
  });
  await attempt('put-if-absent is atomic', async () => {
    await probePutIfAbsent(await store());
    return 'exactly one of several concurrent writers won';
  });
  await attempt('queue can be reached', async () => {
    const queue = await openQueue(config);
    try {
      const pending = await queue.count({ states: ['pending'] });
      const running = await queue.count({ states: ['running'] });
      return `${queue.uri}: ${pending} jobs pending, ${running} running`;
    } finally {
      await queue.close();
    }
  });
  let disk: DoctorReport['disk'] = null;
  await attempt('home can be written', async () => {
    const { home: path, cacheBytes } = config;
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
    const { bsize, blocks, bavail } = await statfs(path);
    const [totalBytes, freeBytes] = [bsize * blocks, bsize * bavail];
    disk = { path, totalBytes, freeBytes, cacheBytes };
    return `${gigabytes(freeBytes)} of ${gigabytes(totalBytes)} free at ${path}`;
  });
  let verdicts: readonly StoredVerdict[] = [];
  await attempt('verdicts of models can be read', async () => {
    verdicts = await listVerdicts(await store());
    return `${verdicts.length} verdicts`;
  });
  const trials = await tryProviders(options);
  const cpu = trials.find(({ name }) => name === 'cpu');
  const detail = cpu?.loads === true ? 'it computes' : (cpu?.reason ?? 'there is none');
  checks.push({ check: 'cpu provider loads', passed: cpu?.loads === true, detail });
  const machine = await describeMachine();
  return {
    settings: settings.map(({ name, value, origin, help }) => ({
      name,
      ...(value !== undefined && { value }),
      origin,
      help,
    })),
    versions: {
      runlake: await ownVersion(),
      node: process.version,
      duckdb: duckdbVersion(),
      onnxruntime: trials.find(({ runtime }) => runtime !== null)?.runtime ?? null,
      graph: GRAPH_VERSION,
    },
    machine,
    memory: {
      engineBytes: config.memory,
      modelParameters: Math.max(
        0,
        Math.floor((machine.availableBytes - config.memory - BYTES_A_MODEL) / BYTES_A_PARAMETER),
      ),
    },
    disk,
    providers: trials.map(({ name, loads, reason, needs }) => ({ name, loads, reason, needs })),
    models: verdicts.map(({ name, modelHash, provider, compute, graphVersion, passed, checkedAt }) => ({
      name,
      modelHash,
      provider,
      compute,
      graphVersion,
      passed,
      checkedAt,
    })),
    checks,
  };
}

export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const late = sleep(TIMEOUT_MS, undefined, { signal: ended.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${TIMEOUT_MS / 1000} s`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    ended.abort();
  }
}

/** The version in the package's own package.json; a build lies one folder deeper than the sources. */
async function ownVersion(): Promise<string> {
  const manifest = z.object({ name: z.literal('runlake'), version: z.string() });
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      return manifest.parse(JSON.parse(await readFile(new URL(place, import.meta.url), 'utf8'))).version;
    } catch {
      // The other place.
    }
  }
  return 'unknown';
}
