import { type GraphQLOutputType, getNamedType, isLeafType, isObjectType } from 'graphql';
import type { Task } from './tasks.ts';

/** How deep an answer is asked for: the runs of a report and their issues. */
const DEPTH = 3;

/** The document that sends those of a task's arguments that are given. Of a job it asks the id, of all else everything. */
export function documentOf({ mutation, slots, answer, isJob }: Task, given: readonly string[]): string {
  const used = slots.filter(({ name }) => given.includes(name));
  const declared = used.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const passed = used.map(({ name }) => `${name}: $${name}`).join(', ');
  const list = (text: string) => (text === '' ? '' : `(${text})`);
  const selection = isJob ? '{ id }' : selectionOf(answer, DEPTH);
  return `mutation ${list(declared)} { result: ${mutation}${list(passed)} ${selection} }`;
}

/** Every field that takes no arguments, down to a depth. */
function selectionOf(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type);
  if (!isObjectType(named)) return '';
  const parts = Object.values(named.getFields()).flatMap((field) => {
    if (field.args.length > 0) return [];
    if (isLeafType(getNamedType(field.type))) return [field.name];
    return depth > 1 ? [`${field.name} ${selectionOf(field.type, depth - 1)}`] : [];
  });
  return `{ ${['__typename', ...parts].join(' ')} }`;
}
