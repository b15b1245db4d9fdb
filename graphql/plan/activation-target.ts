import { RUNS } from '../../lake/tables/tables.ts';
import { BadUserInputError } from '../errors.ts';
import type { StatementBuilder } from './compile.ts';
import { pruneOf } from './conditions.ts';
import { columnOf, ENTITIES, type Entity } from './entities.ts';
import type { Condition, PrintedPlan } from './ir.ts';

/** The vector that activations are compared with: given, or a row of a table. */
export type Target =
  | { readonly kind: 'given'; readonly values: readonly number[] }
  | { readonly kind: 'row'; readonly entity: Entity; readonly where: Condition; readonly source: number };

/** Tables that targets lie in, by the member of the argument that names a row. */
const ROWS = { activation: ENTITIES.Activation, fv: ENTITIES.FvVector } as const;

/** Column by member of the argument, of either table. */
const COLUMNS: Readonly<Record<string, string>> = {
  storeId: 'store_id',
  activationKey: 'activation_key',
  layer: 'layer',
  site: 'site',
  tokenSelector: 'token_selector',
  segment: 'segment',
  tokenIndex: 'token_index',
  runId: 'run_id',
  kind: 'kind',
  qId: 'q_id',
  head: 'head',
};

const CHOICES = 'exactly one of activation, fv, probe and vector';

/** Reads the argument `at`. @throws BadUserInputError unless it names exactly one vector */
export function compileTarget(statement: StatementBuilder, value: unknown, at: string): Target {
  const given = membersOf(value);
  const [choice] = given;
  if (choice === undefined || given.length > 1) {
    throw new BadUserInputError(at, `names ${given.length} vectors`, { expected: CHOICES });
  }
  const [name, operand] = choice;
  if (name === 'activation' || name === 'fv') {
    const entity = ROWS[name];
    const where: Condition = {
      kind: 'all',
      items: membersOf(operand).map(([member, wanted]) => ({
        kind: 'compare',
        column: columnOf(entity, COLUMNS[member] ?? member),
        op: 'eq',
        value: typeof wanted === 'number' ? wanted : String(wanted).toWellFormed(),
      })),
    };
    return { kind: 'row', entity, where, source: statement.source(entity.table.name, pruneOf(where)) };
  }
  const values = Array.isArray(operand) ? operand.filter((item) => typeof item === 'number') : [];
  if (values.length === 0) {
    throw new BadUserInputError(`${at}.vector`, 'is empty', { expected: 'a number a dimension' });
  }
  return { kind: 'given', values };
}

/** A probe that is named alone; its direction has to take its place before the target is compiled. */
export function probeOf(value: unknown): { readonly runId: string; readonly elsewhere: boolean } | undefined {
  const [choice, ...others] = membersOf(value);
  if (choice?.[0] !== 'probe' || others.length > 0) return undefined;
  const members = new Map(membersOf(choice[1]));
  return { runId: String(members.get('runId')).toWellFormed(), elsewhere: members.get('elsewhere') === true };
}

/** Finds where the artifacts of a run lie. */
export function compileSourceUri(runId: string): PrintedPlan {
  return {
    sources: [{ table: RUNS.name, prune: [{ column: 'run_id', in: [runId] }] }],
    print: ([runs]) => ({
      text: `SELECT source_uri FROM ${runs} WHERE run_id = $1::VARCHAR`,
      params: [runId],
    }),
  };
}

/** Members of an input object that have a value. */
function membersOf(value: unknown): [name: string, value: unknown][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
}
