import { z } from 'zod';

export const MODES = ['graphql', 'sql'] as const;
export type Mode = (typeof MODES)[number];

/** Most rows that SQL can be asked for here. */
export const ROW_LIMITS = [1_000, 10_000, 100_000] as const;

/** What is asked. */
export interface Draft {
  readonly mode: Mode;
  readonly query: string;
  /** JSON; of GraphQL. */
  readonly variables: string;
  /** Most rows; of SQL. */
  readonly rows: number;
}

/** Characters of an address that every proxy lets through. */
const LONGEST = 6_000;

const draftSchema = z.object({
  mode: z.enum(MODES).catch('graphql'),
  query: z.string(),
  variables: z.string().catch(''),
  rows: z.coerce
    .number()
    .refine((rows) => ROW_LIMITS.some((limit) => limit === rows))
    .catch(ROW_LIMITS[0]),
});

/** A draft that was written down somewhere; undefined where it says no query. */
export function draftFrom(value: unknown): Draft | undefined {
  const parsed = draftSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** What an address asks; undefined where it has no query. */
export function draftOf(parameters: URLSearchParams): Draft | undefined {
  return draftFrom(Object.fromEntries(parameters));
}

/** Parameters that lead to the console with a draft in it; undefined where they would be too long for an address. */
export function parametersOf({ mode, query, variables, rows }: Draft): URLSearchParams | undefined {
  const parameters = new URLSearchParams();
  if (mode !== MODES[0]) parameters.set('mode', mode);
  parameters.set('query', query);
  if (mode === 'graphql' && variables.trim() !== '') parameters.set('variables', variables);
  if (mode === 'sql' && rows !== ROW_LIMITS[0]) parameters.set('rows', String(rows));
  return parameters.toString().length <= LONGEST ? parameters : undefined;
}

/** The address of the console with a draft in it, for links. */
export function consoleAddress(draft: Pick<Draft, 'mode' | 'query'> & Partial<Draft>): string {
  const parameters = parametersOf({ variables: '', rows: ROW_LIMITS[0], ...draft });
  return parameters === undefined ? '/console' : `/console?${parameters}`;
}
