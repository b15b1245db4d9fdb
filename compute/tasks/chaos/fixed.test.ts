import { expect, test } from 'vitest';
import { fixed } from './fixed.ts';

// Each expectation is what Python 3 prints for format(x, f'.{d}f').
test.each([
  [0.8125, 3, '0.812'],
  [0.6875, 3, '0.688'],
  [0.03125, 4, '0.0312'],
  [-0.8125, 3, '-0.812'],
  [0.5, 0, '0'],
  [1.5, 0, '2'],
  [2.5, 0, '2'],
  [0.15, 1, '0.1'],
  [0.25, 1, '0.2'],
  [0.35, 1, '0.3'],
  [0.77689, 4, '0.7769'],
  [1, 4, '1.0000'],
  [274712.17, 1, '274712.2'],
])('%d with %d decimals is %s', (value, digits, text) => {
  expect(fixed(value, digits)).toBe(text);
});
