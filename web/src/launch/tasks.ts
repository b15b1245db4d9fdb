import { type GraphQLField, type GraphQLOutputType, type GraphQLSchema, getNamedType } from 'graphql';
import { kindTitle } from '../jobs/kinds.ts';
import type { Slot } from './draft.ts';

/** Something that can be asked of the server by a form: a mutation. */
export interface Task {
  /** Its part of the address: `probe` for `launchProbe`, `ingest`. */
  readonly name: string;
  readonly title: string;
  readonly mutation: string;
  readonly description: string;
  readonly slots: readonly Slot[];
  /** Whether a job does it. */
  readonly isJob: boolean;
  /** Kind of the job, as the API writes it. */
  readonly kind: string | undefined;
  /** Whether it can be tried without consequences. */
  readonly hasDryRun: boolean;
  readonly answer: GraphQLOutputType;
}

export interface TaskGroup {
  readonly title: string;
  readonly tasks: readonly Task[];
}

/** Argument of mutations that only says what would be done. */
export const DRY_RUN = 'dryRun';
/** Mutations with forms beside those that launch jobs. Others belong to the page of what they change. */
const DIRECT: Readonly<Record<string, string>> = { ingest: 'Bring in runs', publishRun: 'Publish' };

/** Everything that there are forms for. */
export function taskGroups(schema: GraphQLSchema): readonly TaskGroup[] {
  const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
  const launches = mutations.filter(({ name }) => /^launch[A-Z]/.test(name)).map(taskOf);
  const direct = Object.entries(DIRECT).map(([mutation, title]) => ({
    title,
    tasks: mutations.filter(({ name }) => name === mutation).map(taskOf),
  }));
  return [{ title: 'Compute', tasks: launches }, ...direct].filter(({ tasks }) => tasks.length > 0);
}

export function taskNamed(schema: GraphQLSchema, name: string): Task | undefined {
  return taskGroups(schema)
    .flatMap(({ tasks }) => tasks)
    .find((task) => task.name === name);
}

function taskOf(field: GraphQLField<unknown, unknown>): Task {
  const launched = /^launch([A-Z])(.*)$/.exec(field.name);
  const name = launched ? `${launched[1]?.toLowerCase()}${launched[2]}` : field.name;
  const kind = launched ? name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase() : undefined;
  return {
    name,
    title: kind === undefined ? words(name) : kindTitle(kind),
    mutation: field.name,
    description: field.description ?? '',
    slots: field.args,
    isJob: getNamedType(field.type).name === 'Job',
    kind,
    hasDryRun: field.args.some((argument) => argument.name === DRY_RUN),
    answer: field.type,
  };
}

/** `promptTemplate` as people write it: Prompt template. */
export function words(name: string): string {
  const spaced = name
    .replace(/([a-z0-9])([A-Z])/g, (_, before: string, letter: string) => `${before} ${letter.toLowerCase()}`)
    .replace(/\b(id|uri|url|csv)(s?)\b/g, (_, short: string, plural: string) => short.toUpperCase() + plural);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
