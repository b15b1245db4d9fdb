import { execFile } from 'node:child_process';
import { appendFile, chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compileScript } from '../../test/support/ts-script.ts';
import { toLocalStoreError } from './local-errors.ts';
import { LocalStore } from './local-store.ts';
import { collect, describeObjectStore } from './object-store.contract.ts';
import { ObjectNotFoundError, StoreError } from './object-store.ts';
import { processIdentity } from './process-identity.ts';

const text = (value: string) => new TextEncoder().encode(value);
const run = promisify(execFile);

describeObjectStore('LocalStore', async () => {
  const root = await mkdtemp(join(tmpdir(), 'runlake-local-'));
  return {
    stores: [new LocalStore(root), new LocalStore(root)],
    manyPartsBytes: 5_000_000,
    severalPages: 300,
    propertyRuns: 100,
    close: () => rm(root, { recursive: true }),
  };
});

describe('LocalStore', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'runlake-local-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  const keys = async (store: LocalStore, prefix = '') =>
    (await collect(store.list({ prefix }))).map((info) => info.key);

  test('a missing root is an empty store until the first write', async () => {
    const store = new LocalStore(join(root, 'a/b'));
    expect(await keys(store)).toEqual([]);
    expect(await store.head('x')).toBeUndefined();
    await store.delete(['x']);
    expect(await readdir(root)).toEqual([]);
    await store.put('x', text('1'));
    expect(await keys(store)).toEqual(['x']);
    expect(store.localPath('x')).toBe(join(root, 'a/b/x'));
    expect(store.uri).toBe(`file:${root}/a/b`);
  });

  test('unfinished writes are hidden; those of dead processes go, those of living ones stay', async () => {
    const staging = join(root, '.runlake-tmp');
    await mkdir(staging);
    const { stdout } = await run(process.execPath, ['-e', 'console.log(process.pid)']);
    const living = processIdentity();
    const [machine] = living.split('.');
    await writeFile(join(staging, `${machine}.${stdout.trim()}.1.dead`), 'half');
    await writeFile(join(staging, `${machine}.${process.pid}.1.recycled-pid`), 'half');
    await writeFile(join(staging, `${living}.alive`), 'half');
    await writeFile(join(staging, 'elsewhere.1.1.unknown'), 'half');
    const store = new LocalStore(root);
    await mkdir(join(root, 'sub/.runlake-tmp'), { recursive: true });
    await writeFile(join(root, 'sub/.runlake-tmp/x'), 'half');
    expect(await keys(store)).toEqual([]);
    await store.put('a', text('1'));
    expect((await readdir(staging)).sort()).toEqual([`${living}.alive`, 'elsewhere.1.1.unknown'].sort());
    expect(await keys(store)).toEqual(['a']);
  });

  test('an object and a directory of one name exclude each other, with a message that says so', async () => {
    const store = new LocalStore(root);
    await store.put('a/b', text('1'));
    expect(await store.head('a')).toBeUndefined();
    await expect(store.get('a')).rejects.toThrow(ObjectNotFoundError);
    await expect(store.put('a', text('2'))).rejects.toThrow(StoreError);
    await expect(store.putIfAbsent('a', text('2'))).rejects.toThrow(/a directory has this name/);
    await expect(store.put('a/b/c', text('3'))).rejects.toMatchObject({
      remedy: expect.stringMatching(/directory/),
    });
    await store.delete(['a']);
    expect(await keys(store)).toEqual(['a/b']);
    expect(await readdir(join(root, '.runlake-tmp'))).toEqual([]);
  });

  test('deleting tidies empty directories away, up to the root', async () => {
    const store = new LocalStore(root);
    await store.put('a/b/c', text('1'));
    await store.put('a/d', text('1'));
    await store.delete(['a/b/c']);
    expect(await readdir(join(root, 'a'))).toEqual(['d']);
    await store.delete(['a/d']);
    expect(await readdir(root)).toEqual(['.runlake-tmp']);
  });

  test('links are followed; loops, broken links and pipes are no objects', async () => {
    await mkdir(join(root, 'real/sub'), { recursive: true });
    await writeFile(join(root, 'real/sub/f'), 'data');
    await symlink('real', join(root, 'alias'));
    await symlink('..', join(root, 'real/loop'));
    await symlink('nowhere', join(root, 'broken'));
    await symlink('real/sub/f', join(root, 'file-link'));
    await run('mkfifo', [join(root, 'pipe')]);
    const store = new LocalStore(root);
    expect(await keys(store)).toEqual(['alias/sub/f', 'file-link', 'real/sub/f']);
    await expect(store.get('pipe')).rejects.toThrow(ObjectNotFoundError);
    expect(Buffer.from(await store.get('alias/sub/f')).toString()).toBe('data');
  });

  test('a name that is not UTF-8 does not stop a listing', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9])]), 'latin-1');
    await mkdir(Buffer.concat([Buffer.from(`${root}/dir`), Buffer.from([0xe9])]));
    await writeFile(join(root, 'good'), '');
    expect(await keys(new LocalStore(root))).toEqual(['good']);
  });

  test('a listing opens only the directories that can hold wanted keys', async () => {
    const store = new LocalStore(root);
    for (const key of ['a/1', 'b/1', 'b/2', 'b-/1', 'c/1', 'd/1']) await store.put(key, text(key));
    for (const closed of ['a', 'b-', 'd']) await chmod(join(root, closed), 0);
    await chmod(root, 0o755);
    await asNobody(async () => {
      await expect(keys(store)).rejects.toThrow(/EACCES/);
      const listed: string[] = [];
      for await (const { key } of store.list({ after: 'b/1' })) {
        listed.push(key);
        if (key === 'c/1') break;
      }
      expect(listed).toEqual(['b/2', 'c/1']);
      expect(await keys(store, 'b/')).toEqual(['b/1', 'b/2']);
    });
  });

  test('an object that grows while it streams ends where it ended at first', async () => {
    const store = new LocalStore(root);
    await writeFile(join(root, 'log'), 'x'.repeat(3 << 20));
    let bytes = 0;
    for await (const chunk of store.stream('log')) {
      bytes += chunk.length;
      await appendFile(join(root, 'log'), 'more');
    }
    expect(bytes).toBe(3 << 20);
  });

  test('a read-only tree can be read, and writing says what to do', async () => {
    await mkdir(join(root, 'tree/runs'), { recursive: true });
    await writeFile(join(root, 'tree/runs/x'), 'data');
    await writeFile(join(root, 'tree/secret'), 'data', { mode: 0 });
    await chmod(join(root, 'tree/runs'), 0o555);
    await chmod(join(root, 'tree'), 0o555);
    await chmod(root, 0o755);
    const result = await asNobody(async () => {
      const store = new LocalStore(join(root, 'tree'));
      const denied = await store.put('runs/y', text('1')).catch((error: unknown) => error);
      const secret = await store.get('secret').catch((error: unknown) => error);
      return { listed: await keys(store), data: await store.get('runs/x'), denied, secret };
    });
    expect(result.listed).toEqual(['runs/x', 'secret']);
    expect(Buffer.from(result.data).toString()).toBe('data');
    expect(result.denied).toBeInstanceOf(StoreError);
    expect(result.denied).toMatchObject({ remedy: expect.stringMatching(/permission/) });
    expect(result.secret).toBeInstanceOf(StoreError);
    await chmod(join(root, 'tree'), 0o755);
    await chmod(join(root, 'tree/runs'), 0o755);
  });

  test('every errno with advice becomes a StoreError with that advice', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    const error = toLocalStoreError(full, 'write', '/x');
    expect(error).toBeInstanceOf(StoreError);
    expect(error.remedy).toMatch(/free space/);
    expect(error.cause).toBe(full);
    expect(toLocalStoreError(error, 'write', '/x')).toBe(error);
  });

  test('a full disk is a StoreError and leaves neither a part of an object nor a staged file', async (context) => {
    // A private mount namespace: nothing outlives the command.
    const allowed = await run('unshare', ['-rm', 'true']).then(
      () => true,
      () => false,
    );
    if (!allowed) return context.skip();
    const disk = join(root, 'disk');
    await mkdir(disk);
    const script = await compileScript(new URL('./full-disk.fixture.ts', import.meta.url));
    const commands = 'mount -t tmpfs -o size=2m tmpfs "$2" && exec "$0" "$1" "$2"';
    const { stdout } = await run('unshare', ['-rm', 'sh', '-c', commands, process.execPath, script, disk]);
    expect(JSON.parse(stdout)).toEqual({
      code: 'STORE_ERROR',
      remedy: expect.stringMatching(/disk is full/),
      keys: ['old'],
      old: 'still here',
      staged: [],
    });
  });
});

/** Runs as an unprivileged user where the tests run as root, whom permissions do not bind. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  process.setegid?.(65534);
  process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
