import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TASKS } from '../../compute/tasks/tasks.ts';
import { specHelp } from './spec-help.ts';

describe('specHelp', () => {
  it('has a line a member, nested ones and those of alternatives too', () => {
    const spec = z.object({
      model: z.union([
        z.object({ path: z.string().describe('Where it is.') }),
        z.object({ url: z.string().optional() }),
      ]),
      seed: z.int().default(0).describe('Seed.'),
      corruption: z.enum(['shuffled', 'mixed']).default('shuffled'),
    });
    expect(
      specHelp(spec)
        .split('\n')
        .map((line) => line.trim().replace(/ +/, ': ')),
    ).toEqual([
      'model: Required.',
      'model.path: Where it is. Required.',
      'model.url',
      'seed: Seed. Default: 0.',
      'corruption: One of shuffled, mixed. Default: "shuffled".',
    ]);
  });

  it.each(TASKS.map(({ kind, spec }) => [kind, spec] as const))('describes %s', (_, spec) => {
    const lines = specHelp(spec).split('\n');
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(line).toMatch(/^ {2}[\w.]+/);
  });
});
