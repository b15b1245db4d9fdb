import { expect, it } from 'vitest';
import { beginning } from './clipped.tsx';

it('leaves texts whole that are hardly longer than what a cell shows', () => {
  expect(beginning('short')).toBe('short');
  expect(beginning('x'.repeat(280))).toBe('x'.repeat(280));
});

it('leaves letters whole, and has more room outside of tables', () => {
  expect(beginning(`${'x'.repeat(239)}${'😀'.repeat(100)}`)).toBe('x'.repeat(239));
  expect(beginning('x'.repeat(4000), 'passage')).toHaveLength(4000);
  expect(beginning('x'.repeat(9000), 'passage')).toHaveLength(4000);
});

it('begins long texts, by letters and by lines', () => {
  expect(beginning('x'.repeat(1000))).toBe('x'.repeat(240));
  expect(beginning(Array.from({ length: 20 }, (_, i) => `line ${i}`).join('\n')).split('\n')).toHaveLength(6);
});
