import { z } from 'zod';
import { ApiError } from '../api/client.ts';
import type { Problem } from './draft.ts';
import { pointerOf } from './pointer.ts';

const details = z.object({
  /** Of a specification: places count from the argument `input`. */
  problems: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
  argument: z.string().optional(),
  expected: z.string().optional(),
});

/** What the server says is wrong, where it says so; empty for an error that is about no field. */
export function problemsOf(error: Error): readonly Problem[] {
  if (!(error instanceof ApiError)) return [];
  const { problems = [], argument, expected } = details.safeParse(error.details).data ?? {};
  if (problems.length > 0) {
    return problems.map(({ pointer, message }) => ({ pointer: `/input${pointer}`, message }));
  }
  if (argument === undefined) return [];
  const message = error.message.startsWith(`${argument}: `)
    ? error.message.slice(argument.length + 2)
    : error.message;
  const remedy = [expected && `expected ${expected}`, error.remedy].filter((part) => part);
  return [{ pointer: pointerOf(argument), message: [message, ...remedy].join('; ') }];
}
