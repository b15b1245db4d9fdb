import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError, InvalidArgumentError } from '../../../lake/errors.ts';
import { compileScript } from '../../../test/support/ts-script.ts';
import { CheckpointError, ModelProcessError } from '../errors.ts';
import { writeCheckpoint } from '../testing.ts';
import type { Batch } from './batch.ts';
import { Model } from './model.ts';
import { ModelProcess, type ModelProcessOptions } from './model-process.ts';

const batch = (tokens: readonly number[]): Batch => ({ rows: [{ tokens }], capture: { logits: true } });
const nothing = () => undefined;

describe('the model in its process', () => {
  let folder: string;
  let script: string;
  /** For tests that leave it as it was. */
  let shared: ModelProcess;
  const open: ModelProcess[] = [];
  const start = (options: Partial<ModelProcessOptions> = {}) => {
    const model = new ModelProcess({ path: folder, provider: 'cpu', script, ...options });
    open.push(model);
    return model;
  };
  beforeAll(async () => {
    script = await compileScript(new URL('./host.ts', import.meta.url));
    folder = await writeCheckpoint(join(await mkdtemp(join(tmpdir(), 'runlake-model-')), 'tiny'));
    shared = new ModelProcess({ path: folder, provider: 'cpu', script });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((model) => model.close()));
  });
  afterAll(async () => {
    await shared.close();
    await rm(join(folder, '..'), { recursive: true });
  });

  it('gives what the model gives in this process, batch by batch, also behind a prefix', async () => {
    const here = await Model.load({ path: folder, provider: 'cpu' });
    const there = shared;
    expect(await there.info()).toEqual(here.info);
    const batches = [batch([1, 2, 3]), batch([4]), batch([5, 6])];
    const results: Float32Array[] = [];
    await there.forward({ prefix: [7, 8], batches }, async (result, i) => {
      expect(i).toBe(results.length);
      await new Promise((resolve) => setTimeout(resolve, 2));
      results.push(result.logits!.data);
    });
    const prefix = await here.prefill([7, 8]);
    for (const [i, one] of batches.entries()) {
      expect(results[i]).toEqual((await here.forward(one, { prefix })).logits!.data);
    }
    await here.close();
  });

  it('passes its own checks', async () => {
    const verdict = await shared.check();
    expect(verdict.checks.map((check) => check.name)).toEqual([
      'full pass = prefix pass',
      'full pass = pass in steps',
      'neutral edit = baseline',
      'own heads put back = baseline',
      'begun late = from the beginning',
      'alone = in a batch',
    ]);
    expect(verdict).toMatchObject({ passed: true, provider: 'cpu', compute: 'float32', runtime: '1.30.0' });
    expect(verdict.modelHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('hands on the errors of the other process and goes on', async () => {
    const missing = start({ path: join(folder, 'absent') });
    await expect(missing.info()).rejects.toThrow(CheckpointError);
    const model = shared;
    await expect(model.forward({ batches: [batch([99])] }, nothing)).rejects.toMatchObject({
      constructor: InvalidArgumentError,
      message: 'row 0: token 99',
      expected: '0 to 18',
    });
    const { pid } = model;
    await model.forward({ batches: [batch([1])] }, nothing);
    expect(model.pid).toBe(pid);
  });

  it('an error of the caller ends the call, not the process', async () => {
    const model = shared;
    const failure = new Error('disk full');
    const batches = Array.from({ length: 50 }, () => batch([1]));
    let seen = 0;
    await expect(
      model.forward({ batches }, () => {
        seen++;
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(seen).toBe(1);
    await model.forward({ batches: [batch([1])] }, nothing);
  });

  it('stops between batches when cancelled, and keeps its process', async () => {
    const model = shared;
    const abort = new AbortController();
    const batches = Array.from({ length: 500 }, () => batch([1, 2]));
    let seen = 0;
    const call = model.forward(
      { batches },
      () => {
        if (++seen === 3) abort.abort();
      },
      abort.signal,
    );
    await expect(call).rejects.toThrow(CancelledError);
    expect(seen).toBe(3);
    const { pid } = model;
    await model.forward({ batches: [batch([1])] }, nothing);
    expect(model.pid).toBe(pid);
  });

  it('kills a batch that does not end in time, and starts again', async () => {
    const model = start({ cancelGraceMs: 0 });
    await model.info();
    const pid = model.pid!;
    // However fast the machine is: nothing that this process begins comes to an end.
    process.kill(pid, 'SIGSTOP');
    const abort = new AbortController();
    const call = model.forward({ batches: [batch([1])] }, nothing, abort.signal);
    // By then it is under way.
    setImmediate(() => abort.abort());
    await expect(call).rejects.toThrow(CancelledError);
    expect(model.pid).toBeUndefined();
    await model.forward({ batches: [batch([1])] }, nothing);
    expect(model.pid).not.toBe(pid);
  });

  it('a crash is an error of the call; the next one gets a new process', async () => {
    const model = start();
    const batches = Array.from({ length: 500 }, () => batch([1]));
    const crashing = model.forward({ batches }, () => {
      process.kill(model.pid!, 'SIGSEGV');
    });
    const waiting = model.forward({ batches: [batch([2])] }, nothing);
    await expect(crashing).rejects.toThrow(ModelProcessError);
    await waiting;
  });

  it('is replaced between calls when it has grown', async () => {
    const model = start({ maxResidentBytes: 1 });
    await model.forward({ batches: [batch([1])] }, nothing);
    expect(model.pid).toBeUndefined();
    await model.forward({ batches: [batch([1])] }, nothing);
    await model.close();
    await expect(model.info()).rejects.toThrow(ModelProcessError);
  });
});
