import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import { pythonHas, pythonJson } from '../../../test/support/python.ts';
import { PythonRandom } from './random.ts';

const seeds = ['0', '1', '-7', '4294967295', '4294967296', '123456789012345678901234567890', '20261120'];

/** Every method in turn, with all the sizes at which the algorithms change. */
function draws(seed: string): unknown[] {
  const random = new PythonRandom(BigInt(seed));
  const out: unknown[] = [];
  for (const bits of [0, 1, 5, 31, 32, 33, 52, 53]) out.push(random.getrandbits(bits));
  for (const stop of [1, 2, 3, 10, 255, 256, 257, 2 ** 32, 2 ** 32 + 1, 2 ** 52])
    out.push(random.randrange(stop));
  for (let i = 0; i < 700; i++) out.push(random.random());
  for (const size of [0, 1, 2, 9, 10, 100]) {
    const items = Array.from({ length: size }, (_, i) => i);
    random.shuffle(items);
    out.push(items);
  }
  out.push(random.choice(['a', 'b', 'c']));
  for (const [size, count] of [
    [0, 0],
    [5, 5],
    [21, 3],
    [22, 3],
    [84, 6],
    [85, 6],
    [86, 6],
    [300, 64],
    [1000, 20],
  ] as const) {
    out.push(
      random.sample(
        Array.from({ length: size }, (_, i) => i),
        count,
      ),
    );
  }
  return out;
}

const source = `
import json, random, sys
out = []
for seed in json.loads(sys.argv[1]):
    r = random.Random(int(seed))
    d = [r.getrandbits(k) for k in (0, 1, 5, 31, 32, 33, 52, 53)]
    d += [r.randrange(n) for n in (1, 2, 3, 10, 255, 256, 257, 2**32, 2**32 + 1, 2**52)]
    d += [r.random() for _ in range(700)]
    for n in (0, 1, 2, 9, 10, 100):
        items = list(range(n))
        r.shuffle(items)
        d.append(items)
    d.append(r.choice(['a', 'b', 'c']))
    for n, k in ((0, 0), (5, 5), (21, 3), (22, 3), (84, 6), (85, 6), (86, 6), (300, 64), (1000, 20)):
        d.append(r.sample(range(n), k))
    out.append(d)
print(json.dumps(out))
`;

describe('PythonRandom', () => {
  it.skipIf(!pythonHas('random'))('draws what Python draws', () => {
    expect(seeds.map(draws)).toEqual(pythonJson(source, [JSON.stringify(seeds)]));
  });

  it('draws the numbers of the seed 0', () => {
    const random = new PythonRandom(0);
    expect([random.random(), random.random()]).toEqual([0.8444218515250481, 0.7579544029403025]);
    expect([random.getrandbits(32), random.randrange(10)]).toEqual([1806341205, 0]);
  });

  it.each([
    ['a fraction as seed', () => new PythonRandom(0.5)],
    ['too many bits', () => new PythonRandom(0).getrandbits(54)],
    ['an empty range', () => new PythonRandom(0).randrange(0)],
    ['a choice of nothing', () => new PythonRandom(0).choice([])],
    ['a sample that is too large', () => new PythonRandom(0).sample([1], 2)],
  ])('refuses %s', (_, draw) => {
    expect(draw).toThrow(InvalidArgumentError);
  });
});
