import { expect, it } from 'vitest';
import { progressText } from './progress.ts';

const progress = { stage: 'generate', done: 0, total: null, unit: null, rate: null, eta: null };

it.each([
  [{}, 'generate'],
  [{ done: 7 }, 'generate, 7'],
  [{ total: 598 }, 'generate, 0 of 598'],
  [
    { done: 320, total: 598, unit: 'tokens', rate: 1812.4, eta: 3200 },
    'generate, 320 of 598, 1812 tokens/s, 4 s left',
  ],
  [{ done: 5, total: 9, rate: 0.123, eta: 32_500 }, 'generate, 5 of 9, 0.12 items/s, 33 s left'],
  [{ done: 1, total: 9, rate: 12.34, eta: 600_000 }, 'generate, 1 of 9, 12 items/s, 10 min left'],
  [{ done: 1, total: 9, rate: 1, eta: 12_000_000 }, 'generate, 1 of 9, 1 items/s, 3 h 20 min left'],
  [{ done: 9, total: 9, rate: 3, eta: 0 }, 'generate, 9 of 9, 3 items/s'],
])('%j', (given, text) => {
  expect(progressText({ ...progress, ...given }, 0)).toBe(text);
});
