import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { tryProviders } from '../../compute/model/engine/provider-trials.ts';
import { temporaryTree } from '../../ingest/testing.ts';
import { compileScript } from '../../test/support/ts-script.ts';
import { loadConfig } from '../config.ts';
import { examine } from './examine.ts';
import { groupLimits } from './machine.ts';
import { doctorReportSchema } from './report.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlake-doctor-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A script that stands for the trial of a provider. */
function script(name: string, text: string): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, text);
  return path;
}
const answering = (error: string | null) =>
  `console.log(JSON.stringify({ runtime: '1.2.3', error: ${JSON.stringify(error)} }));`;

describe('providers', () => {
  test('are tried in processes of their own', async () => {
    const path = await compileScript(
      new URL('../../compute/model/engine/provider-trial.ts', import.meta.url),
    );
    const trials = await tryProviders({ script: path });
    expect(trials.map(({ name }) => name)).toEqual(['cuda', 'cpu', 'webgpu']);
    expect(trials.find(({ name }) => name === 'cpu')).toMatchObject({ loads: true, reason: null });
    for (const { loads, reason, runtime } of trials) {
      expect(runtime).toBe('1.30.0');
      expect(reason === null).toBe(loads);
    }
  });

  test.each<[string, string, string]>([
    ['crashes', 'process.kill(process.pid, "SIGKILL")', 'its process ended with SIGKILL'],
    ['does not answer', 'setInterval(() => {}, 1000)', 'it did not answer in time'],
    ['says nothing', '', 'it said nothing'],
    ['says something else', 'console.log("hello"); process.exit(3)', 'Command failed'],
    [
      'misses a file',
      `console.error('/a/b/libcuda.so.1: cannot open shared object file: No such'); ${answering('the provider cuda does not load (cuda: no)')}`,
      'no; libcuda.so.1 is missing',
    ],
    [
      'lacks a feature',
      `console.error('Warning: a feature required.'); ${answering('/src/x.cc:1 f() was false. No\n adapter')}`,
      'No adapter; a feature required.',
    ],
  ])('one that %s is told', async (name, text, reason) => {
    const trials = await tryProviders({
      script: script(name, text),
      timeoutMs: name === 'does not answer' ? 300 : 30_000,
    });
    for (const trial of trials) {
      expect(trial.loads).toBe(false);
      expect(trial.reason).toContain(reason);
    }
  });
});

describe('the limits of control groups', () => {
  test.each<[string, Record<string, string>, Awaited<ReturnType<typeof groupLimits>>]>([
    ['none', {}, { cores: null, memoryBytes: null, memoryUsedBytes: null }],
    [
      'version 2, the least of the groups around',
      {
        'proc/self/cgroup': '0::/a/b\n',
        'sys/fs/cgroup/a/b/memory.max': 'max\n',
        'sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
        'sys/fs/cgroup/a/memory.max': '4096\n',
        'sys/fs/cgroup/a/memory.current': '1024\n',
        'sys/fs/cgroup/a/cpu.max': '150000 100000\n',
      },
      { cores: 1.5, memoryBytes: 4096, memoryUsedBytes: 1024 },
    ],
    [
      'version 1, in a container that does not see its own path',
      {
        'proc/self/cgroup': '4:memory:/docker/1\n1:cpu,cpuacct:/docker/1\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '8192\n',
        'sys/fs/cgroup/memory/memory.usage_in_bytes': '4096\n',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      { cores: 0.5, memoryBytes: 8192, memoryUsedBytes: 4096 },
    ],
    [
      'version 1 without limits',
      {
        'proc/self/cgroup': '4:memory:/\n1:cpu:/\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      { cores: null, memoryBytes: null, memoryUsedBytes: null },
    ],
  ])('%s', async (_, files, expected) => {
    const { path, remove } = temporaryTree(files);
    expect(await groupLimits(path)).toEqual(expected);
    remove();
  });
});

describe('the report', () => {
  const report = (flags: Record<string, string>, error: string | null) => {
    const { config, settings } = loadConfig({ flags, env: {}, cwd: folder });
    return examine(config, settings, { script: script('cpu', answering(error)) });
  };

  test('has everything that Runlake depends on', async () => {
    const found = await report({ home: join(folder, 'home') }, null);
    expect(doctorReportSchema.parse(found)).toEqual(found);
    expect(found.checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(found.versions).toMatchObject({ runlake: '0.1.0', node: process.version, onnxruntime: '1.2.3' });
    expect(found.machine.availableBytes).toBeLessThanOrEqual(found.machine.memoryBytes);
    expect(found.disk?.freeBytes).toBeGreaterThan(0);
    expect(found.models).toEqual([]);
  });

  test('says of what does not work that it does not, and goes on', async () => {
    writeFileSync(join(folder, 'file'), '');
    const found = await report({ home: join(folder, 'file', 'home'), store: 'file:file/store' }, 'no');
    expect(found.checks.filter(({ passed }) => passed).map(({ check }) => check)).toEqual([
      // There are none.
      'verdicts of models can be read',
    ]);
    expect(found.disk).toBeNull();
    expect(found.providers.every(({ reason }) => reason === 'no')).toBe(true);
  });
});
