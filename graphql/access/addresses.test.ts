import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TASKS } from '../../compute/tasks/tasks.ts';
import { AddressPolicy } from './addresses.ts';

const FORBIDDEN = { code: 'ADDRESS_FORBIDDEN' };

let root: string;
let policy: AddressPolicy;
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'runlake-addresses-')));
  for (const folder of [
    'data/runs',
    'database',
    'store/uploads/x',
    'store/auth/tokens',
    'published',
    'elsewhere',
  ])
    mkdirSync(join(root, folder), { recursive: true });
  symlinkSync('../elsewhere', join(root, 'data/out'));
  symlinkSync('data', join(root, 'alias'));
  symlinkSync('auth', join(root, 'store/mine'));
  symlinkSync('../nothing', join(root, 'data/dangling'));
  symlinkSync('circle', join(root, 'data/circle'));
  policy = new AddressPolicy({
    store: `file:${root}/store`,
    readRoots: [`${root}/data`, `${root}/alias`, 's3://shared/runs/', 's3://all', 'https://nonsense'],
    writeRoots: [`${root}/published`, 's3://public/site'],
    endpoints: ['http://vllm:8000/v1', 'https://api.example.com'],
  });
});
afterAll(() => rmSync(root, { recursive: true }));

describe('what may be read', () => {
  test('lies below a root, or is an upload', async () => {
    for (const [address, uri, within] of [
      ['data', '/data', '/data'],
      ['data/', '/data', '/data'],
      ['data/runs/../runs', '/data/runs', '/data'],
      ['data/not/yet', '/data/not/yet', '/data'],
      ['alias/runs', '/data/runs', '/data'],
      ['store/uploads/x', '/store/uploads/x', '/store/uploads'],
    ]) {
      const expected = { uri: `${root}${uri}`, within: `${root}${within}` };
      expect(await policy.readable('uri', `${root}/${address}`)).toEqual(expected);
      expect(await policy.readable('uri', `file:${root}/${address}`)).toEqual(expected);
    }
    const upload = { uri: `${root}/store/uploads/x`, within: `${root}/store/uploads` };
    expect(await policy.readable('uri', 'uploads/x')).toEqual(upload);
    expect(await policy.readable('uri', 'uploads/x/')).toEqual(upload);
    expect(await policy.readable('uri', 's3://shared/runs/2026')).toEqual({
      uri: 's3://shared/runs/2026',
      within: 's3://shared/runs',
    });
    expect(await policy.readable('uri', 's3://all')).toEqual({ uri: 's3://all/', within: 's3://all/' });
  });

  test.each([
    '/',
    '/etc/passwd',
    'file:/etc/passwd',
    'file:///etc/passwd',
    'file:///%65tc/passwd',
    'FILE:/etc/passwd',
    '..',
    '../data',
    'uploads/../auth/tokens',
    'uploads/../../data',
    './uploads',
    'uploads//x',
    '',
    '.',
    'auth',
    'auth/tokens',
    'Auth/tokens',
    'mine/tokens',
    '\0',
    'uploads/\0/etc/passwd',
    '\ud800',
    'ROOT/store',
    'ROOT/store/auth/tokens/x.json',
    'ROOT/store/mine',
    'ROOT/store/uploads/../auth',
    'ROOT/database',
    'ROOT/data/../elsewhere',
    'ROOT/data/out',
    'ROOT/data/out/x',
    'ROOT/alias/out',
    'ROOT/data/dangling',
    'ROOT/data/dangling/x',
    'ROOT/data/circle',
    'ROOT/elsewhere',
    'ROOT',
    's3://shared/runs-of-others',
    's3://shared/ru',
    's3://shared',
    's3://shared/runs/../secret',
    's3://shared/runs//x',
    's3://SHARED2/runs',
    's3://',
    'http://169.254.169.254/latest/meta-data',
    'https://nonsense/x',
    'ftp://x/y',
    'gs://x/y',
    'hf://x/y',
    'javascript:alert(1)',
  ])('%j is refused', async (text) => {
    const address = text.replace('ROOT', root);
    await expect(policy.readable('uri', address)).rejects.toMatchObject({
      ...FORBIDDEN,
      remedy: expect.stringContaining('RUNLAKE_INGEST_ROOTS'),
    });
  });

  test('is nothing by default', async () => {
    const none = new AddressPolicy({ store: '', readRoots: [], writeRoots: [], endpoints: [] });
    for (const address of [root, 'x', 's3://a1b/c', `${process.cwd()}/x`])
      await expect(none.readable('uri', address)).rejects.toMatchObject(FORBIDDEN);
    await expect(none.writable('out', root)).rejects.toMatchObject(FORBIDDEN);
    expect(() => none.endpoint('url', 'http://localhost:1')).toThrow('not open');
  });
});

test('what may be written lies below a root of its own', async () => {
  expect(await policy.writable('out', `${root}/published/new`)).toBe(`${root}/published/new`);
  expect(await policy.writable('out', 's3://public/site/a')).toBe('s3://public/site/a');
  for (const address of [
    `${root}/data`,
    'uploads/x',
    `${root}/published/../data`,
    's3://public/sites',
    's3://public',
    '/tmp',
  ])
    await expect(policy.writable('out', address)).rejects.toMatchObject(FORBIDDEN);
});

test.each([
  ['http://vllm:8000/v1', true],
  ['http://vllm:8000/v1/', true],
  ['http://VLLM:8000/v1/chat', true],
  ['https://api.example.com/anything', true],
  ['http://vllm:8000/v1/../admin', false],
  ['http://vllm:8000/v1/%2e%2e/admin', false],
  ['http://vllm:8000/v11', false],
  ['http://vllm:8000', false],
  ['http://vllm/v1', false],
  ['https://vllm:8000/v1', false],
  ['http://vllm:8000@evil.example/v1', false],
  ['http://user:pass@vllm:8000/v1', false],
  ['http://vllm.evil.example:8000/v1', false],
  ['http://127.0.0.1:8000/v1', false],
  ['http://169.254.169.254/', false],
  ['http://api.example.com', false],
  ['file:///etc/passwd', false],
  ['', false],
  ['vllm:8000/v1', false],
])('whether jobs may ask %s', (address, allowed) => {
  const ask = () => policy.endpoint('input.model.baseUrl', address);
  if (allowed) ask();
  else expect(ask).toThrow('not open to callers with a token');
});

test('specifications of jobs have their addresses checked, and in full', async () => {
  const { spec } = TASKS.find(({ kind }) => kind === 'inference')!;
  const given = { model: { path: 'models/demo' }, questions: 'uploads/q.jsonl', prompts: ['/etc/passwd'] };
  expect(await policy.specification(spec, given)).toEqual({
    model: { path: `${root}/store/models/demo` },
    questions: `${root}/store/uploads/q.jsonl`,
    prompts: ['/etc/passwd'],
  });
  for (const [wrong, argument] of [
    [{ model: { path: '/models/x' } }, 'input.model.path'],
    [{ model: { backend: 'openai', baseUrl: 'http://localhost:22' } }, 'input.model.baseUrl'],
    [{ questionModel: { baseUrl: 'http://evil' } }, 'input.questionModel.baseUrl'],
    [{ questions: '.env', model: { path: '../x' } }, 'input.model.path'],
    [{ questions: '/proc/self/environ' }, 'input.questions'],
  ] as const) {
    await expect(policy.specification(spec, wrong)).rejects.toThrow(argument);
  }
});
