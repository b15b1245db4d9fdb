import type { VectorSet } from '../../compute/geometry/vector-set.ts';
import type { EngineValue, LakeSnapshot } from '../../lake/engine/types.ts';
import type { RequestContext } from '../context.ts';
import { BadUserInputError, LimitExceededError } from '../errors.ts';
import { type Choice, compileChoice, printChoice } from './activation-choice.ts';
import type { Arguments } from './arguments.ts';
import { type CompileOptions, StatementBuilder } from './compile.ts';
import { ENTITIES } from './entities.ts';
import { runText, withSources } from './execute.ts';
import type { Condition, Source } from './ir.ts';
import { type LayerRow, PlacedVectors, type VectorMemory } from './placed-vectors.ts';
import { Printer } from './sql.ts';

/** Which class an activation belongs to: the label of its generations, or the filter that it meets. */
interface Classes {
  readonly positive: Condition;
  readonly negative: Condition;
}

/** The fields of Query that take the vectors of a layer together, and whether they leave out activations without a class. */
export const GEOMETRY_FIELDS: ReadonlyMap<string, { readonly needsClass: boolean }> = new Map([
  ['differenceOfMeans', { needsClass: true }],
  ['classSeparation', { needsClass: true }],
  ['pcaActivations', { needsClass: false }],
]);

/** Activations whose vectors are wanted, layer by layer. */
export interface VectorsPlan {
  readonly sources: readonly Source[];
  readonly choice: Choice;
  readonly classes: Classes | undefined;
  /** Whether activations without a class are left out. */
  readonly needsClass: boolean;
}

/** One activation, without its vector. */
export interface ChosenActivation extends LayerRow {
  readonly exampleId: string | null;
  /** What a prompt and its samples have in common. */
  readonly group: string;
  readonly halu: boolean | null;
  /** 1 for positives; null without a class. */
  readonly positive: 0 | 1 | null;
}

/** The activations of one layer: `rows[i]` has vector i. */
export interface LayerVectors {
  readonly layer: number;
  readonly rows: readonly ChosenActivation[];
  /** Activations that were left out: NaN or infinite values. */
  readonly nUndefined: number;
  readonly set: VectorSet;
}

const MEMORY: VectorMemory = { kept: 128 * 2 ** 20, read: 32 * 2 ** 20 };
/** @throws BadUserInputError, LimitExceededError */
export function compileVectors(
  options: CompileOptions,
  args: Arguments,
  { needsClass }: { readonly needsClass: boolean },
): VectorsPlan {
  const statement = new StatementBuilder(options);
  const [positive, negative] = ['positive', 'negative'].map((name) =>
    args[name] ? statement.filter(ENTITIES.Activation, args[name], name) : undefined,
  );
  if ((positive === undefined) !== (negative === undefined)) {
    throw new BadUserInputError(positive ? 'negative' : 'positive', 'is missing', {
      expected: 'a filter for either class, or for neither',
    });
  }
  const choice = compileChoice(statement, args);
  const classes = positive && negative && { positive, negative };
  if (needsClass && classes === undefined && choice.labelled === undefined) {
    throw new BadUserInputError('runIds', 'is missing, so there are no labels', {
      expected: 'runs whose generations have labels, or the filters positive and negative',
    });
  }
  return { sources: statement.sources, choice, classes, needsClass };
}

/**
 * Gives `work` the chosen activations of one layer after the other and collects what it makes of them. Identities and classes
 * are found by one statement a layer; vectors are read in stretches, each placed by the identity of its row, so that what is
 * computed does not depend on the order in which the engine gives rows.
 * @throws BadUserInputError for vectors of several widths, LimitExceededError for too many
 */
export async function forEachLayer<T>(
  context: RequestContext,
  snapshot: LakeSnapshot,
  plan: VectorsPlan,
  work: (layer: LayerVectors) => Promise<T>,
  memory = MEMORY,
): Promise<T[]> {
  return withSources(context, snapshot, plan.sources, async (relations) => {
    const reader: Reader = { context, plan, relations };
    const answers: T[] = [];
    for (const layer of await layersOf(reader))
      answers.push(await work(await layerVectors(reader, layer, memory)));
    return answers;
  });
}

interface Reader {
  readonly context: RequestContext;
  readonly plan: VectorsPlan;
  readonly relations: readonly string[];
}

async function layersOf({ context, plan: { choice }, relations }: Reader): Promise<number[]> {
  const printer = new Printer(relations);
  const { ctes, wanted } = printChoice(printer, choice);
  const text = `${withText(ctes)}SELECT DISTINCT t.layer FROM ${printer.relation(choice.source)} t WHERE ${wanted} ORDER BY t.layer`;
  const { rows } = await runText(context, { text, params: printer.params });
  return rows.map(([layer]) => Number(layer));
}

function withText(ctes: readonly string[]): string {
  return ctes.length > 0 ? `WITH ${ctes.join(', ')} ` : '';
}

async function layerVectors(reader: Reader, layer: number, memory: VectorMemory): Promise<LayerVectors> {
  const { context, plan, relations } = reader;
  let found = await chosenRows(reader, layer, 'stored');
  // A norm tells of values that are not finite; only where none is stored the vectors have to.
  if (found.some(({ finite }) => finite === null)) found = await chosenRows(reader, layer, 'computed');
  const rows = found.filter(({ finite }) => finite === true);
  const widths = [...new Set(found.map(({ dim }) => dim))].sort((a, b) => a - b);
  if (widths.length > 1) {
    throw new BadUserInputError('filter', `activations of layer ${layer} have ${widths.join(', ')} numbers`, {
      expected: 'vectors of one width',
      remedy: 'filter by site, run or modelId',
    });
  }
  const dim = widths[0] ?? 0;
  const activations = rows.map(({ activation }) => activation);
  const stored = { context, relations, choice: plan.choice, layer, rows: activations, dim };
  const placed = new PlacedVectors(stored, memory);
  return {
    layer,
    rows: activations,
    nUndefined: found.length - rows.length,
    set: { count: rows.length, dim, blocks: () => placed.blocks(context.signal) },
  };
}

interface FoundRow {
  readonly activation: ChosenActivation;
  readonly dim: number;
  /** Null where no norm is stored. */
  readonly finite: boolean | null;
}

/** The chosen rows of a layer in the order of their identity. */
async function chosenRows(
  { context, plan, relations }: Reader,
  layer: number,
  norms: 'stored' | 'computed',
): Promise<FoundRow[]> {
  const { choice, classes, needsClass } = plan;
  const { limits } = context;
  const printer = new Printer(relations);
  const { ctes, wanted, labelled } = printChoice(printer, choice, { prompts: true });
  const isClass = (condition: Condition | undefined) =>
    condition ? printer.condition(condition, 't') : 'NULL::BOOLEAN';
  const norm =
    norms === 'stored'
      ? 't.norm'
      : 'coalesce(t.norm, sqrt(list_inner_product(t.vector::DOUBLE[], t.vector::DOUBLE[])))';
  const columns = `t.store_id, t.layer, t.activation_key, t.token_index, t.site, t.token_selector, t.segment, t.example_id, t.dim, isfinite(${norm}) AS finite, ${isClass(classes?.positive)} AS positive, ${isClass(classes?.negative)} AS negative`;
  const only = needsClass ? (classes ? 'WHERE positive OR negative' : 'WHERE halu IS NOT NULL') : '';
  const order = 'store_id, activation_key, token_index NULLS LAST, site, token_selector, segment NULLS LAST';
  const text = `WITH ${[
    ...ctes,
    `i AS (SELECT ${columns} FROM ${printer.relation(choice.source)} t WHERE ${wanted} AND t.layer = ${printer.number(layer)})`,
    `l AS (${labelled('i')})`,
  ].join(
    ', ',
  )} SELECT store_id, activation_key, token_index, site, token_selector, segment, example_id, prompt, halu, positive, negative, dim, finite FROM l ${only} ORDER BY ${order} LIMIT ${printer.number(limits.rows + 1)}`;
  const { rows } = await runText(context, { text, params: printer.params });
  if (rows.length > limits.rows) {
    throw new LimitExceededError('rows', limits.rows, rows.length, 'choose runs, one token, or filter');
  }
  const known = new Set<string>();
  return rows.flatMap((row) => {
    const found = foundRow(row, classes !== undefined);
    const key = keyOf(found.activation);
    if (known.has(key)) return [];
    known.add(key);
    return [found];
  });
}

function foundRow(row: readonly EngineValue[], byFilter: boolean): FoundRow {
  const text = (value: EngineValue | undefined) => (typeof value === 'string' ? value : null);
  const truth = (value: EngineValue | undefined) => (typeof value === 'boolean' ? value : null);
  const [storeId, activationKey, tokenIndex, site, selector, segment, exampleId, prompt, halu, ...rest] = row;
  const [positive, negative, dim, finite] = rest;
  const key = String(activationKey);
  if (positive === true && negative === true) {
    throw new BadUserInputError('negative', `${key} is in both classes`, {
      expected: 'filters that share no activations',
    });
  }
  const inPositive = byFilter
    ? positive === true || negative === true
      ? positive === true
      : null
    : truth(halu);
  return {
    activation: {
      storeId: String(storeId),
      activationKey: key,
      tokenIndex: typeof tokenIndex === 'number' ? tokenIndex : null,
      site: String(site),
      tokenSelector: String(selector),
      segment: text(segment),
      exampleId: text(exampleId),
      group: text(prompt) ?? text(exampleId) ?? key,
      halu: truth(halu),
      positive: inPositive === null ? null : inPositive ? 1 : 0,
    },
    dim: Number(dim),
    finite: truth(finite),
  };
}

function keyOf(row: LayerRow): string {
  const { storeId, activationKey, tokenIndex, site, tokenSelector, segment } = row;
  return JSON.stringify([storeId, activationKey, tokenIndex, site, tokenSelector, segment]);
}
