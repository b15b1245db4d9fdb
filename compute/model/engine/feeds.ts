import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { DecoderSpec } from '../architectures/decoder.ts';
import { inputNames } from '../components/interface.ts';
import type { Batch, Row } from './batch.ts';
import type { Prefix, RowKeyValues } from './key-values.ts';
import { layoutOf, type RowLayout } from './row-layout.ts';
import type { Feed } from './session.ts';

/** What a batch's tokens stand behind. */
export interface Before {
  readonly prefix: Prefix;
  /** Undefined: none. */
  readonly past?: RowKeyValues | undefined;
}

/**
 * The graph's inputs for a batch.
 * @throws InvalidArgumentError naming the row and what is wrong with it
 */
export function feedsOf(decoder: DecoderSpec, batch: Batch, before: Before): Record<string, Feed> {
  const { rows } = batch;
  const { prefix, past } = before;
  const L = decoder.blocks.length;
  const layout = layoutOf(rows, L + 1, prefix.lengths.length);
  checkRows(decoder, batch, before);
  const S = Math.max(...rows.map((row) => row.tokens.length));
  const { heads: H, headDim: d, hidden: D, keyValueHeads: K } = decoder;
  const first = layout.rows[0]!;
  const tokens = new BigInt64Array(first.length * S);
  for (const [b, row] of first.entries()) {
    for (const [s, token] of rows[row]!.tokens.entries()) tokens[b * S + s] = BigInt(token);
  }
  const feeds: Record<string, Feed> = {
    [inputNames.tokens]: { type: 'int64', data: tokens, shape: [first.length, S] },
    [inputNames.rowCounts]: integers(layout.rows.map(({ length }) => length)),
    [inputNames.rowSources]: integers(layout.sources.flat()),
    [inputNames.rowOrigins]: integers(layout.origins.flat()),
    [inputNames.prefixLengths]: integers(first.map((row) => prefixOf(prefix, rows, row))),
    [inputNames.pastLengths]: integers(first.map((row) => past?.lengths[row] ?? 0)),
    ...editFeeds(rows, layout, S, H),
    [inputNames.headTables]: tables(batch.headTables, [L, H, d]),
    [inputNames.residualTables]: tables(batch.residualTables, [L + 1, D]),
    ...readFeeds(batch, S),
  };
  for (let layer = 0; layer < L; layer++) {
    const shared = prefix.layers[layer]!;
    const none = { data: new Float32Array(0), shape: [K, layout.rows[layer]!.length, 0, d] };
    const own = past?.layers[layer] ?? { keys: none, values: none };
    feeds[inputNames.prefixKeys(layer)] = { type: 'float32', ...shared.keys };
    feeds[inputNames.prefixValues(layer)] = { type: 'float32', ...shared.values };
    feeds[inputNames.pastKeys(layer)] = { type: 'float32', ...own.keys };
    feeds[inputNames.pastValues(layer)] = { type: 'float32', ...own.values };
  }
  return feeds;
}

/** What is done to the rows of each point, one point behind the other. */
function editFeeds(rows: readonly Row[], layout: RowLayout, S: number, H: number): Record<string, Feed> {
  const total = layout.rows.reduce((sum, { length }) => sum + length, 0);
  const edited = new Uint8Array(total * S);
  const headTable = new BigInt64Array(total);
  const headMask = new Uint8Array(total * H);
  const residualTable = new BigInt64Array(total);
  const scale = new Float32Array(total);
  let at = 0;
  for (const [point, there] of layout.rows.entries()) {
    for (const row of there) {
      const { replace, add } = rows[row]!;
      for (const { layer, head } of replace?.heads ?? []) if (layer === point) headMask[at * H + head] = 1;
      for (const one of add?.points ?? []) if (one.point === point) scale[at] = one.scale;
      for (const s of editPositions(rows[row]!)) edited[at * S + s] = 1;
      headTable[at] = BigInt(replace?.table ?? 0);
      residualTable[at] = BigInt(add?.table ?? 0);
      at++;
    }
  }
  return {
    [inputNames.editPositions]: { type: 'bool', data: edited, shape: [total, S] },
    [inputNames.headTable]: { type: 'int64', data: headTable, shape: [total] },
    [inputNames.headMask]: { type: 'bool', data: headMask, shape: [total, H] },
    [inputNames.residualTable]: { type: 'int64', data: residualTable, shape: [total] },
    [inputNames.residualScale]: { type: 'float32', data: scale, shape: [total] },
  };
}

function readFeeds({ rows, capture }: Batch, S: number): Record<string, Feed> {
  const B = rows.length;
  const T = rows[0]!.targets?.length ?? 0;
  const wanted = capture.logits === true || capture.best === true || T > 0;
  const Q = !wanted ? 0 : capture.read === 'all' ? S : 1;
  const positions = rows.flatMap((row) =>
    capture.read === 'all' ? Array.from({ length: Q }, (_, s) => s) : Q === 0 ? [] : [row.tokens.length - 1],
  );
  const targets = rows.flatMap((row) => Array.from({ length: Q }, () => row.targets ?? []).flat());
  return {
    [inputNames.readPositions]: integers(positions, [B, Q]),
    [inputNames.targets]: integers(targets, [B * Q, T]),
  };
}

function editPositions(row: Row): readonly number[] {
  if (row.replace === undefined && row.add === undefined) return [];
  if (row.editAt === 'all') return row.tokens.map((_, s) => s);
  return row.editAt ?? [row.tokens.length - 1];
}

function integers(values: readonly number[], shape: readonly number[] = [values.length]): Feed {
  return { type: 'int64', data: BigInt64Array.from(values, BigInt), shape };
}

/** Tables one behind the other; one of zeros where there is none, since a row always names a table. */
function tables(given: readonly Float32Array[] | undefined, shape: readonly number[]): Feed {
  const length = shape.reduce((product, size) => product * size, 1);
  const count = given?.length ?? 0;
  if (given !== undefined && count === 1) return { type: 'float32', data: given[0]!, shape: [1, ...shape] };
  const data = new Float32Array(Math.max(count, 1) * length);
  for (const [i, table] of (given ?? []).entries()) data.set(table, i * length);
  return { type: 'float32', data, shape: [Math.max(count, 1), ...shape] };
}

/** Tokens of the prefix before a row. */
function prefixOf({ lengths }: Prefix, rows: readonly Row[], row: number): number {
  return lengths[Math.floor((row * lengths.length) / rows.length)]!;
}

function checkRows(decoder: DecoderSpec, batch: Batch, { prefix, past }: Before): void {
  const { rows } = batch;
  const layers = decoder.blocks.length;
  const refuse = (row: number, message: string, expected: string) => {
    throw new InvalidArgumentError(`row ${row}: ${message}`, { expected });
  };
  const within = (value: number, limit: number) => Number.isInteger(value) && value >= 0 && value < limit;
  if (rows.length === 0) throw new InvalidArgumentError('a batch without rows');
  if (past !== undefined && rows.some(({ from }) => from !== undefined))
    throw new InvalidArgumentError('rows with keys and values of their own begin at point 0');
  if (past !== undefined && past.lengths.length !== rows.length) {
    throw new InvalidArgumentError(
      `${rows.length} rows after ${past.lengths.length} rows of keys and values`,
    );
  }
  checkTables('head', batch.headTables, layers * decoder.heads * decoder.headDim);
  checkTables('residual', batch.residualTables, (layers + 1) * decoder.hidden);
  for (const [b, row] of rows.entries()) {
    const length = row.tokens.length;
    if (length === 0) refuse(b, 'no tokens', 'at least one');
    const end = prefixOf(prefix, rows, b) + (past?.lengths[b] ?? 0) + length;
    if (end > decoder.contextLength)
      refuse(b, `${end} tokens`, `at most ${decoder.contextLength}, the model's context`);
    for (const token of [...row.tokens, ...(row.targets ?? [])]) {
      if (!within(token, decoder.vocabulary)) refuse(b, `token ${token}`, `0 to ${decoder.vocabulary - 1}`);
    }
    if ((row.targets?.length ?? 0) !== (rows[0]!.targets?.length ?? 0)) {
      refuse(b, 'another number of targets than row 0', 'equally many in every row');
    }
    for (const position of editPositions(row)) {
      if (!within(position, length)) refuse(b, `edit at ${position}`, `0 to ${length - 1}`);
    }
    for (const { layer, head } of row.replace?.heads ?? []) {
      if (!within(layer, layers) || !within(head, decoder.heads))
        refuse(b, `head ${layer}.${head}`, 'a head of the model');
    }
    for (const { point } of row.add?.points ?? []) {
      if (!within(point, layers + 1)) refuse(b, `residual point ${point}`, `0 to ${layers}`);
    }
    if (row.replace !== undefined && !within(row.replace.table, batch.headTables?.length ?? 0)) {
      refuse(b, `head table ${row.replace.table}`, `one of ${batch.headTables?.length ?? 0}`);
    }
    if (row.add !== undefined && !within(row.add.table, batch.residualTables?.length ?? 0)) {
      refuse(b, `residual table ${row.add.table}`, `one of ${batch.residualTables?.length ?? 0}`);
    }
  }
}

function checkTables(kind: string, given: readonly Float32Array[] | undefined, length: number): void {
  for (const [i, table] of (given ?? []).entries()) {
    if (table.length === length) continue;
    throw new InvalidArgumentError(`${kind} table ${i} has ${table.length} values`, {
      expected: `${length}`,
    });
  }
}
