import { z } from 'zod';
import type { Generation } from './queries.ts';

/** A recorded value under the name that the artifact has for it. */
export interface Fact {
  readonly name: string;
  readonly value: string | number;
}

const object = z.record(z.string(), z.unknown());
const finished = z
  .object({ finish: z.string() })
  .or(z.object({ finish_reason: z.string() }).transform(({ finish_reason }) => ({ finish: finish_reason })));

/** How a response was made: why it ended, sampling parameters, times, its key in the activation store. */
export function recordedFacts(
  generation: Pick<Generation, 'generationParams' | 'timing' | 'extra' | 'activationKey' | 'tokens'>,
): Fact[] {
  const { generationParams, timing, extra, activationKey, tokens } = generation;
  const end = finished.safeParse(extra);
  const response = tokens.filter(({ segment }) => segment === 'response').length;
  return [
    ...(end.success ? [{ name: 'finish', value: end.data.finish }] : []),
    ...(response > 0 ? [{ name: 'response tokens', value: response }] : []),
    ...membersOf(generationParams),
    ...membersOf(timing),
    ...(activationKey === null ? [] : [{ name: 'activation key', value: activationKey }]),
  ];
}

function membersOf(value: unknown): Fact[] {
  const members = object.safeParse(value);
  if (!members.success) return [];
  return Object.entries(members.data).map(([name, member]) => ({
    name,
    value: typeof member === 'number' || typeof member === 'string' ? member : JSON.stringify(member),
  }));
}
