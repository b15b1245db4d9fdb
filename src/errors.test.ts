import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { SourceNotFoundError } from '../ingest/pipeline/tree.ts';
import { ConfigError } from './config.ts';
import { describeError, isUsage, UnreachableError, UsageError } from './errors.ts';

it('tells calls that cannot work from what went wrong', () => {
  const usage = [
    new UsageError('no'),
    new ConfigError('no', { expected: 'a port' }),
    new SourceNotFoundError('x is not there'),
  ];
  expect(usage.map(isUsage)).toEqual([true, true, true]);
  expect([new UnreachableError('no'), new Error('no')].map(isUsage)).toEqual([false, false]);
});

it('says what to do where a port is taken', async () => {
  const first = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => first.once('listening', listening));
  const address = first.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const second = createServer();
  const error = await new Promise((failed) => second.once('error', failed).listen(port, '127.0.0.1'));
  first.close();
  expect(describeError(error)).toMatch(/^error: listen EADDRINUSE.*\n {2}try: {6}another port: --port/);
});
