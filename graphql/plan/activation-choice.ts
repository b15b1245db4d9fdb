import { BadUserInputError, LimitExceededError } from '../errors.ts';
import { type Arguments, activationArguments } from './arguments.ts';
import type { StatementBuilder } from './compile.ts';
import { pruneOf } from './conditions.ts';
import { columnOf, ENTITIES } from './entities.ts';
import type { Condition } from './ir.ts';
import type { Printer } from './sql.ts';

/** Which of the tokens that are stored of an entry. */
export type TokenPick = 'first' | 'last';

/** The activations that a field is about, as all fields on activations take them. */
export interface Choice {
  readonly where: Condition;
  /** The relation of `activations`. */
  readonly source: number;
  readonly token: TokenPick | undefined;
  /** Where labels come from; undefined without `runIds`. */
  readonly labelled: Labelled | undefined;
}

interface Labelled {
  readonly runs: Condition;
  readonly stores: number;
  readonly generations: number;
  /** Only this label. */
  readonly halu: boolean | undefined;
}

/** Columns of `activations` that identify a row, in the order in which equal rows come. */
export const IDENTITY = [
  'store_id',
  'layer',
  'activation_key',
  'token_index',
  'site',
  'token_selector',
  'segment',
] as const;

/**
 * Reads `filter`, `layer`, `layers`, `site`, `token`, `tokenSelector`, `runIds` and `halu`.
 * @param others further conditions on the activations
 * @throws BadUserInputError, LimitExceededError
 */
export function compileChoice(
  statement: StatementBuilder,
  args: Arguments,
  others: readonly Condition[] = [],
): Choice {
  const activations = ENTITIES.Activation;
  const { where: chosen, layerFromTop } = activationArguments(activations, args);
  const layers: readonly unknown[] = Array.isArray(args['layers']) ? args['layers'] : [];
  const wrong = layerFromTop ?? layers.find((layer) => Number(layer) < 0);
  if (wrong !== undefined) {
    const argument = layerFromTop === undefined ? 'layers' : 'layer';
    throw new BadUserInputError(argument, `${wrong} is no layer`, { expected: 'an integer from 0' });
  }
  const where: Condition = {
    kind: 'all',
    items: [
      statement.filter(activations, args['filter'], 'filter'),
      ...chosen,
      ...(Array.isArray(args['layers'])
        ? [{ kind: 'in' as const, column: columnOf(activations, 'layer'), values: layers.map(Number) }]
        : []),
      ...others,
    ],
  };
  const runs = runsOf(statement, args);
  return {
    where,
    source: statement.source('activations', [...pruneOf(where), ...(runs ? pruneOf(runs) : [])]),
    token: args['token'] === 'first' || args['token'] === 'last' ? args['token'] : undefined,
    labelled: runs && {
      runs,
      stores: statement.source('run_stores', pruneOf(runs)),
      generations: statement.source('generations', pruneOf(runs)),
      halu: typeof args['halu'] === 'boolean' ? args['halu'] : undefined,
    },
  };
}

/** The condition that rows belong to the runs of `runIds`; undefined without that argument. */
function runsOf({ options: { maxConditions } }: StatementBuilder, args: Arguments): Condition | undefined {
  const ids = args['runIds'];
  if (!Array.isArray(ids)) {
    if (typeof args['halu'] !== 'boolean') return undefined;
    throw new BadUserInputError('halu', 'has no runs whose labels it means', {
      expected: 'runIds beside it',
    });
  }
  if (ids.length > maxConditions) {
    throw new LimitExceededError('filterConditions', maxConditions, ids.length, 'name fewer runs');
  }
  const column = columnOf(ENTITIES.ActivationStore, 'run_id');
  return { kind: 'in', column, values: ids.map((id) => String(id).toWellFormed()) };
}

/** Parts of a statement over a choice. Vectors must not go through a join: it would copy them. */
export interface PrintedChoice {
  /** `s`, the stores of the runs, and `g`, label and prompt (its MD5) of their entries; none without `runIds`. */
  readonly ctes: readonly string[];
  /** What rows `t` of activations have to meet, but for the label and the token. */
  readonly wanted: string;
  /** Gives the rows of a relation, with `halu` and `prompt`, that have the wanted label and token. It needs the columns of `IDENTITY`. */
  readonly labelled: (relation: string) => string;
}

/** Prints a choice. @param prompts whether prompts are looked at; they are null else */
export function printChoice(
  printer: Printer,
  { where, token, labelled }: Choice,
  { prompts }: { readonly prompts: boolean } = { prompts: false },
): PrintedChoice {
  const picked = token
    ? ` QUALIFY token_index IS NOT DISTINCT FROM ${token === 'last' ? 'max' : 'min'}(token_index) OVER (PARTITION BY store_id, layer, activation_key, site, token_selector, segment)`
    : '';
  const wanted = printer.condition(where, 't');
  if (labelled === undefined) {
    return {
      ctes: [],
      wanted,
      labelled: (relation) =>
        `SELECT *, NULL::BOOLEAN AS halu, NULL::VARCHAR AS prompt FROM ${relation}${picked}`,
    };
  }
  const { runs, stores, generations, halu } = labelled;
  const prompt = prompts ? 'min(md5(g.prompt))' : 'NULL::VARCHAR';
  // Runs that share a store may disagree on a label; it then has none.
  const label = 'CASE WHEN bool_and(g.halu) = bool_or(g.halu) THEN bool_and(g.halu) END';
  const ctes = [
    `s AS MATERIALIZED (SELECT DISTINCT s.run_id, s.store_id FROM ${printer.relation(stores)} s WHERE ${printer.condition(runs, 's')})`,
    `g AS MATERIALIZED (SELECT s.store_id, g.activation_key, ${label} AS halu, ${prompt} AS prompt FROM ${printer.relation(generations)} g JOIN s ON s.run_id = g.run_id WHERE ${printer.condition(runs, 'g')} AND g.activation_key IS NOT NULL GROUP BY s.store_id, g.activation_key)`,
  ];
  const only = halu === undefined ? '' : ` WHERE g.halu IS NOT DISTINCT FROM ${halu}`;
  return {
    ctes,
    wanted: `list_contains((SELECT list(DISTINCT store_id) FROM s), t.store_id) AND ${wanted}`,
    labelled: (relation) =>
      `SELECT x.*, g.halu, g.prompt FROM (SELECT * FROM ${relation}${picked}) x LEFT JOIN g ON g.store_id = x.store_id AND g.activation_key = x.activation_key${only}`,
  };
}
