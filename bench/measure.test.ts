import { expect, it } from 'vitest';
import { interleave, spread } from './measure.ts';

it('takes the middle, or the mean of the two in the middle', () => {
  expect(spread([3, 1, 2])).toMatchObject({ median: 2, min: 1, max: 3 });
  expect(spread([4, 1, 2, 3]).median).toBe(2.5);
});

it('runs contestants in turn and forgets the warm-up', async () => {
  const order: string[] = [];
  const contestant = (name: string) => async () => order.push(name);
  const result = await interleave({ a: contestant('a'), b: contestant('b') }, { repetitions: 2, warmups: 1 });
  expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
  expect(result.a.samples).toEqual([4, 5]);
  expect(result.b.samples).toEqual([3, 6]);
});
