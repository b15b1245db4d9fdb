import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { groupsSharing } from './groups.ts';

describe('groups of items that share a key', () => {
  test('are numbered in order of first appearance, and join through others', () => {
    expect([...groupsSharing([['x'], [], ['y'], ['x', 'z'], ['z'], []])]).toEqual([0, 1, 2, 0, 0, 3]);
    expect([...groupsSharing([['x'], ['y'], ['x', 'y']])]).toEqual([0, 0, 0]);
    expect(groupsSharing([])).toHaveLength(0);
  });

  test('are what spreading the smallest number over shared keys ends with', () => {
    const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(keys, { maxLength: 20 }), (items) => {
        const lowest = items.map((_, i) => i);
        for (let round = 0; round < items.length; round++) {
          for (const [i, own] of items.entries())
            for (const [j, other] of items.entries())
              if (own.some((key) => other.includes(key)))
                lowest[j] = Math.min(lowest[i] ?? j, lowest[j] ?? i);
        }
        const groups = groupsSharing(items);
        const firsts = [...new Set(lowest)];
        expect([...groups]).toEqual(lowest.map((first) => firsts.indexOf(first)));
      }),
    );
  });
});
