import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { compileScript, startScript } from '../../test/support/ts-script.ts';
import { ObjectCache } from './object-cache.ts';
import { RemoteStore } from './remote-store.fixture.ts';

const run = promisify(execFile);

describe('several processes on one cache directory', () => {
  let script: string;
  let folder: string;
  let args: string[];
  beforeAll(async () => {
    script = await compileScript(new URL('./cache-process.fixture.ts', import.meta.url));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runlake-cache-'));
    args = [join(folder, 'remote'), join(folder, 'cache'), join(folder, 'log')];
    return () => rm(folder, { recursive: true });
  });

  const fill = async (count: number, bytes: number) => {
    await mkdir(args[0]!);
    for (let n = 0; n < count; n++) {
      await writeFile(join(args[0]!, `k${n}.parquet`), `k${n}.parquet\n`.padEnd(bytes, `${n} `));
    }
  };
  const fetches = async () => (await readFile(args[2]!, 'utf8')).trim().split('\n').sort();
  const leases = () => readdir(join(folder, 'cache/leases'));

  test('fetch each object once among them', async () => {
    await fill(12, 40_000);
    const processes = Array.from({ length: 4 }, () => startScript(script, ['fetch', ...args]));
    for (const { done } of processes)
      expect(await done).toMatchObject({ code: 0, stdout: '12\n', stderr: '' });
    const once = Array.from({ length: 12 }, (_, n) => `k${n}.parquet`).sort();
    expect(await fetches()).toEqual(once);
    expect(await leases()).toEqual([]);
  });

  test('go on after one was killed in the middle of its fetches, at once and without its debris', async () => {
    await fill(6, 200_000);
    const hanging = startScript(script, ['hang', ...args]);
    await new Promise((resolve) => hanging.child.stdout?.once('data', resolve));
    hanging.child.kill('SIGKILL');
    expect((await hanging.done).signal).toBe('SIGKILL');
    expect(await leases()).toHaveLength(1);
    expect(await startScript(script, ['fetch', ...args]).done).toMatchObject({ code: 0, stdout: '6\n' });
    expect(await leases()).toEqual([]);
    expect(await readdir(join(folder, 'cache/locks'))).toEqual([]);
  });

  test('do not evict what another one uses; when that one is killed, they do', async () => {
    await fill(5, 10_000);
    const holding = startScript(script, ['hold', ...args]);
    const line = await new Promise<string>((resolve) => holding.child.stdout?.once('data', resolve));
    const paths = JSON.parse(line.slice('READY '.length)) as string[];
    const store = new RemoteStore(args[0]!);
    const cache = new ObjectCache({ directory: args[1]!, maxBytes: 15_000 });
    await writeFile(join(args[0]!, 'new'), 'x'.repeat(10_000));
    (await cache.localFile(store, 'new')).release();
    for (const [n, path] of paths.entries()) expect(await readFile(path, 'utf8')).toMatch(`k${n}.parquet`);
    holding.child.kill('SIGKILL');
    await holding.done;
    await cache.close();
    const later = new ObjectCache({ directory: args[1]!, maxBytes: 15_000 });
    await writeFile(join(args[0]!, 'newer'), 'x'.repeat(10_000));
    (await later.localFile(store, 'newer')).release();
    const left = async () => {
      const names = await readdir(join(folder, 'cache/objects'), { recursive: true });
      return names.filter((name) => /[0-9a-f]{64}(\.parquet)?$/.test(name));
    };
    await expect.poll(left).toHaveLength(1);
    await later.close();
  });

  test('a cache that is far too small for what they do never hands out a wrong or missing file', async () => {
    await fill(40, 10_000);
    const processes = [1, 2, 3, 4].map((n) => startScript(script, ['churn', ...args, String(n * 7919)]));
    for (const { done } of processes)
      expect(await done).toMatchObject({ code: 0, stdout: '150\n', stderr: '' });
  });

  test('a full disk makes room first, and is a StoreError when that is not enough', async (context) => {
    const allowed = await run('unshare', ['-rm', 'true']).then(
      () => true,
      () => false,
    );
    if (!allowed) return context.skip();
    await fill(6, 900_000);
    await writeFile(join(args[0]!, 'k9-too-large'), 'x'.repeat(4_000_000));
    await mkdir(args[1]!);
    const commands = 'mount -t tmpfs -o size=2m tmpfs "$4" && exec "$0" "$@"';
    const argv = ['-rm', 'sh', '-c', commands, process.execPath, script, 'full', ...args];
    const { stdout } = await run('unshare', argv);
    const outcomes = JSON.parse(stdout) as string[];
    expect(outcomes.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => 'right'));
    expect(outcomes[6]).toMatch(/^STORE_ERROR: the disk is full/);
  });
});
