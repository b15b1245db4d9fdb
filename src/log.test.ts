import { expect, it } from 'vitest';
import { readableLine } from './log.ts';

const at = new Date(2026, 0, 2, 3, 4, 5).getTime();
const line = (fields: object) => readableLine(JSON.stringify({ time: at, ...fields }));

it('shows a line of the log to a person', () => {
  expect(line({ level: 30, msg: 'ready', url: 'http://lake', kinds: ['fv'] })).toBe(
    '03:04:05 ready  url=http://lake  kinds=["fv"]\n',
  );
  expect(line({ level: 40, msg: 'heartbeat failed' })).toBe('03:04:05 warn heartbeat failed\n');
  expect(line({ level: 50, msg: 'broken', err: { type: 'Error', stack: 'Error: no\n    at x' } })).toBe(
    '03:04:05 error broken\nError: no\n    at x\n',
  );
});
