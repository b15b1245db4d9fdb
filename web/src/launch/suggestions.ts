import { z } from 'zod';
import { type Question, useAnswer } from '../api/use-answer.ts';
import { isRecord } from './draft.ts';

/** Texts that may be meant, by the name of the member they are for. */
export type Suggestions = ReadonlyMap<string, readonly string[]>;

const known = z.object({
  jobs: z.object({ nodes: z.array(z.object({ id: z.string(), spec: z.unknown() })) }),
  runs: z.object({
    nodes: z.array(
      z.object({
        id: z.string(),
        modelId: z.string().nullable(),
        benchmark: z.string().nullable(),
        method: z.string().nullable(),
      }),
    ),
  }),
});
export type Known = z.infer<typeof known>;

const KNOWN: Question<Known> = {
  query: `{
    jobs(first: 100) { nodes { id spec } }
    runs(first: 200, orderBy: [{ field: INGESTED_AT, direction: DESC }]) { nodes { id modelId benchmark method } }
  }`,
  schema: known,
};

/** Members that hold ids, and of what. */
const IDS: Readonly<Record<string, 'jobs' | 'runs'>> = {
  runId: 'runs',
  ids: 'runs',
  apply: 'runs',
  dependsOn: 'jobs',
  resume: 'jobs',
  merge: 'jobs',
};
const MAX_LENGTH = 200;

/**
 * What the lake and its jobs suggest: ids where ids are wanted, properties of runs, and what earlier jobs had in the member of
 * the same name, e.g. the `path` of a model or the `questions` of an evaluation.
 */
export function suggestionsOf({ jobs, runs }: Known): Suggestions {
  const found = new Map<string, Set<string>>();
  const add = (member: string, text: string | null): void => {
    if (text === null || text === '' || text.length > MAX_LENGTH || text.includes('\n')) return;
    const texts = found.get(member) ?? new Set();
    found.set(member, texts.add(text));
  };
  for (const [member, of] of Object.entries(IDS)) {
    for (const { id } of (of === 'jobs' ? jobs : runs).nodes) add(member, id);
  }
  const walk = (member: string, value: unknown): void => {
    if (typeof value === 'string') add(member, value);
    else if (Array.isArray(value)) for (const item of value) walk(member, item);
    else if (isRecord(value)) for (const [name, inner] of Object.entries(value)) walk(name, inner);
  };
  for (const { spec } of jobs.nodes) walk('', spec);
  for (const { modelId, benchmark, method } of runs.nodes) {
    add('modelId', modelId);
    add('benchmark', benchmark);
    add('method', method);
  }
  return new Map([...found].map(([member, texts]) => [member, [...texts]]));
}

const NONE: Suggestions = new Map();

/** Nothing while they are fetched, and where the server has none. */
export function useSuggestions(): Suggestions {
  const { data } = useAnswer(KNOWN);
  return data === undefined ? NONE : suggestionsOf(data);
}
