import { join } from 'node:path';
import type { LakeSnapshot } from '../../../lake/engine/types.ts';
import type { Lake } from '../../../lake/lake.ts';
import { ACTIVATIONS } from '../../../lake/tables/tables.ts';
import { PermanentTaskError } from '../../jobs/worker.ts';
import { number, queryRows, text } from '../query.ts';
import type { ProbeExample, SourceRunInfo } from './examples.ts';
import { createMatrix, type FeatureMatrix } from './matrix.ts';
import type { ProbeSpec } from './probe-spec.ts';

/** Where activations are, and how they are reduced to one vector an example. */
export type Place = Pick<ProbeSpec, 'site' | 'segment' | 'token'>;

/** Vectors that are read from the lake at once. */
const BATCH_BYTES = 64 * 2 ** 20;

/** The activations of some examples in the lake. */
export class ProbeActivations {
  /** Layers that are there, ascending. */
  readonly layers: readonly number[];
  readonly dim: number;
  /** Ids of the stores that hold them. */
  readonly stores: readonly string[];
  /** Whether the key of each example is in one of the stores only, so that it says which entry is meant. */
  readonly isKeyed: boolean;
  readonly #examples: readonly Located[];
  readonly #source: Source;

  private constructor(layers: readonly number[], dim: number, examples: readonly Located[], source: Source) {
    this.layers = layers;
    this.dim = dim;
    this.stores = [...new Set(examples.map(({ store }) => store))].sort();
    this.isKeyed = examples.every(({ holders }) => holders === 1);
    this.#examples = examples;
    this.#source = source;
  }

  /** @throws PermanentTaskError when there are none, or some examples have none */
  static async find(
    examples: readonly ProbeExample[],
    runs: readonly SourceRunInfo[],
    place: Place,
    lake: Lake,
    snapshot: LakeSnapshot,
    signal: AbortSignal,
  ): Promise<ProbeActivations> {
    const source: Source = { place, runs, lake, snapshot };
    const layers = await select(
      source,
      signal,
      (from, wanted) =>
        `SELECT layer, min(dim) AS dim, max(dim) AS max_dim FROM ${from} WHERE ${wanted} GROUP BY layer ORDER BY layer`,
    );
    const dims = new Set(layers.flatMap((row) => [number(row['dim']), number(row['max_dim'])]));
    const [dim] = dims;
    if (dim === undefined)
      throw new PermanentTaskError('NO_ACTIVATIONS', `the runs have no activations ${placeText(place)}`);
    if (dims.size > 1)
      throw new PermanentTaskError(
        'SEVERAL_WIDTHS',
        `activations of different length: ${[...dims].join(', ')}`,
      );
    const first = number(layers[0]?.['layer']);
    const entries = await select(
      source,
      signal,
      (from, wanted) => `
        SELECT store_id, activation_key, count(*) AS vectors FROM ${from}
        WHERE ${wanted} AND layer = $1 GROUP BY ALL`,
      [first],
    );
    const known = new Map(
      entries.map((row) => [
        keyOf(text(row['store_id']), text(row['activation_key'])),
        number(row['vectors']),
      ]),
    );
    const holders = new Map<string, number>();
    for (const row of entries) {
      const key = text(row['activation_key']);
      holders.set(key, (holders.get(key) ?? 0) + 1);
    }
    const located = examples.map((example) => {
      const { activationKey, run } = example;
      const store = run.stores.find(({ id }) => known.has(keyOf(id, activationKey)))?.id;
      if (store !== undefined) {
        const entry = keyOf(store, activationKey);
        return { example, store, entry, vectors: known.get(entry)!, holders: holders.get(activationKey)! };
      }
      const message = `${example.exampleId} of ${example.run.runId} has no activations ${placeText(place)}`;
      throw new PermanentTaskError('ACTIVATION_MISSING', message);
    });
    return new ProbeActivations(
      layers.map((row) => number(row['layer'])),
      dim,
      located,
      source,
    );
  }

  /** One vector an example, of one layer, in memory or in a temporary file in `scratch`. */
  async matrix(
    layer: number,
    options: { readonly memoryBytes: number; readonly scratch: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<FeatureMatrix> {
    const { memoryBytes, scratch, name } = options;
    const file = join(scratch, `${name}.features`);
    const writer = await createMatrix(this.#examples.length, this.dim, { memoryBytes, file });
    try {
      for (const [start, end] of this.#batches())
        await writer.append(await this.#read(layer, start, end, signal));
      return await writer.finish();
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** Stretches of examples whose stored vectors fit into a batch. */
  *#batches(): Generator<readonly [start: number, end: number]> {
    const most = BATCH_BYTES / (this.dim * 4);
    let start = 0;
    let held = 0;
    for (const [row, { vectors }] of this.#examples.entries()) {
      if (row > start && held + vectors > most) {
        yield [start, row];
        start = row;
        held = 0;
      }
      held += vectors;
    }
    if (start < this.#examples.length) yield [start, this.#examples.length];
  }

  async #read(layer: number, start: number, end: number, signal: AbortSignal): Promise<Float32Array> {
    const { dim } = this;
    const examples = this.#examples.slice(start, end);
    const { token } = this.#source.place;
    // Only the vectors that are wanted leave the engine.
    const ofEntry = 'OVER (PARTITION BY store_id, activation_key)';
    const pick = {
      last: `max(token_index) ${ofEntry}`,
      first: `min(token_index) ${ofEntry}`,
      mean: undefined,
    }[token];
    const rows = await select(
      this.#source,
      signal,
      (from, wanted) => {
        const range = `${wanted} AND layer = $1 AND activation_key BETWEEN $2 AND $3`;
        const picked = pick === undefined ? '' : `QUALIFY token_index IS NOT DISTINCT FROM ${pick}`;
        return `SELECT store_id, activation_key, vector FROM ${from} WHERE ${range} ${picked}`;
      },
      [layer, examples[0]!.example.activationKey, examples.at(-1)!.example.activationKey],
    );
    const places = new Map<string, number[]>();
    examples.forEach(({ entry }, i) => {
      places.set(entry, [...(places.get(entry) ?? []), i]);
    });
    const data = new Float32Array(examples.length * dim);
    const counts = new Float64Array(examples.length);
    for (const row of rows) {
      const vector = row['vector'];
      if (!(vector instanceof Float32Array)) continue;
      for (const at of places.get(keyOf(text(row['store_id']), text(row['activation_key']))) ?? []) {
        counts[at]!++;
        for (let j = 0; j < dim; j++) data[at * dim + j]! += vector[j]!;
      }
    }
    examples.forEach(({ example }, at) => {
      const own = data.subarray(at * dim, (at + 1) * dim);
      for (let j = 0; j < dim; j++) own[j]! /= counts[at]!;
      if (own.every(Number.isFinite)) return;
      const where = `${example.exampleId} of ${example.run.runId}, layer ${layer}`;
      if (counts[at] === 0)
        throw new PermanentTaskError('ACTIVATION_MISSING', `${where} has no activation, other layers have`);
      throw new PermanentTaskError(
        'ACTIVATION_NOT_FINITE',
        `${where} has infinite or undefined values, as float16 gives where it overflows; record float32, or leave the layer out`,
      );
    });
    return data;
  }
}

/** An example and its entry in a store. */
interface Located {
  readonly example: ProbeExample;
  /** Id of the store. */
  readonly store: string;
  /** Stores of the runs that have an entry of this key. */
  readonly holders: number;
  /** `keyOf` of the entry. */
  readonly entry: string;
  /** Vectors of a layer that are stored of it and of which one is picked or all are averaged. */
  readonly vectors: number;
}

interface Source {
  readonly place: Place;
  readonly runs: readonly SourceRunInfo[];
  readonly lake: Lake;
  readonly snapshot: LakeSnapshot;
}

/** Runs a statement over the activations of the runs; parameters after `params` say which of them are wanted. */
async function select(
  { place, runs, lake, snapshot }: Source,
  signal: AbortSignal,
  sql: (from: string, wanted: string) => string,
  params: readonly (string | number)[] = [],
) {
  const { site, segment, token } = place;
  const stores = [...new Set(runs.flatMap((run) => run.stores.map(({ id }) => id)))];
  const selectors = ['all', token];
  const at = params.length;
  const wanted = `site = $${at + 1} AND segment = $${at + 2}
    AND token_selector IN (SELECT unnest($${at + 3}::VARCHAR[])) AND store_id IN (SELECT unnest($${at + 4}::VARCHAR[]))`;
  const prune = [
    { column: 'run_id', in: runs.map(({ runId }) => runId) },
    ...(typeof params[0] === 'number' ? [{ column: 'layer', in: [params[0]] }] : []),
  ];
  return queryRows(lake, snapshot, [{ table: ACTIVATIONS.name, prune }], ([from]) => sql(from!, wanted), {
    params: [...params, site, segment, selectors, stores],
    signal,
  });
}

function keyOf(store: string, key: string): string {
  return `${store}\n${key}`;
}

function placeText({ site, segment, token }: Place): string {
  return `at ${site} of the ${token} token of the ${segment}`;
}
