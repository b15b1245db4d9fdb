import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { DecoderSpec } from '../architectures/decoder.ts';
import { inputNames } from '../components/interface.ts';
import type { Batch, Row } from './batch.ts';
import type { Prefix, RowKeyValues } from './key-values.ts';
import type { Feed } from './session.ts';

/** What a batch's tokens stand behind. */
export interface Before {
  readonly prefix: Prefix;
  readonly past: RowKeyValues;
}

/**
 * The graph's inputs for a batch.
 * @throws InvalidArgumentError naming the row and what is wrong with it
 */
export function feedsOf(decoder: DecoderSpec, batch: Batch, before: Before): Record<string, Feed> {
  const { rows } = batch;
  checkRows(decoder, batch, before);
  const B = rows.length;
  const S = Math.max(...rows.map((row) => row.tokens.length));
  const L = decoder.blocks.length;
  const { heads: H, headDim: d, hidden: D } = decoder;

  const tokens = new BigInt64Array(B * S);
  const edited = new Uint8Array(B * S);
  const headMask = new Uint8Array(B * L * H);
  const scale = new Float32Array(B * (L + 1));
  for (const [b, row] of rows.entries()) {
    for (const [s, token] of row.tokens.entries()) tokens[b * S + s] = BigInt(token);
    for (const s of editPositions(row)) edited[b * S + s] = 1;
    for (const { layer, head } of row.replace?.heads ?? []) headMask[(b * L + layer) * H + head] = 1;
    for (const { point, scale: factor } of row.add?.points ?? []) scale[b * (L + 1) + point] = factor;
  }
  const feeds: Record<string, Feed> = {
    [inputNames.tokens]: { type: 'int64', data: tokens, shape: [B, S] },
    [inputNames.pastLengths]: integers(before.past.lengths, [B]),
    [inputNames.editPositions]: { type: 'bool', data: edited, shape: [B, S] },
    [inputNames.headTables]: tables(batch.headTables, [L, H, d]),
    [inputNames.headTable]: integers(
      rows.map((row) => row.replace?.table ?? 0),
      [B],
    ),
    [inputNames.headMask]: { type: 'bool', data: headMask, shape: [B, L, H] },
    [inputNames.residualTables]: tables(batch.residualTables, [L + 1, D]),
    [inputNames.residualTable]: integers(
      rows.map((row) => row.add?.table ?? 0),
      [B],
    ),
    [inputNames.residualScale]: { type: 'float32', data: scale, shape: [B, L + 1] },
    ...readFeeds(batch, S),
  };
  for (let layer = 0; layer < L; layer++) {
    const prefix = before.prefix.layers[layer]!;
    const past = before.past.layers[layer]!;
    feeds[inputNames.prefixKeys(layer)] = { type: 'float32', ...prefix.keys };
    feeds[inputNames.prefixValues(layer)] = { type: 'float32', ...prefix.values };
    feeds[inputNames.pastKeys(layer)] = { type: 'float32', ...past.keys };
    feeds[inputNames.pastValues(layer)] = { type: 'float32', ...past.values };
  }
  return feeds;
}

function readFeeds({ rows, capture }: Batch, S: number): Record<string, Feed> {
  const B = rows.length;
  const T = rows[0]!.targets?.length ?? 0;
  const wanted = capture.logits === true || T > 0;
  const Q = !wanted ? 0 : capture.read === 'all' ? S : 1;
  const positions = rows.flatMap((row) =>
    capture.read === 'all' ? Array.from({ length: Q }, (_, s) => s) : Q === 0 ? [] : [row.tokens.length - 1],
  );
  const targets = rows.flatMap((row) => Array.from({ length: Q }, () => row.targets ?? []).flat());
  return {
    [inputNames.readPositions]: integers(positions, [B, Q]),
    [inputNames.targets]: integers(targets, [B, Q, T]),
  };
}

function editPositions(row: Row): readonly number[] {
  if (row.replace === undefined && row.add === undefined) return [];
  if (row.editAt === 'all') return row.tokens.map((_, s) => s);
  return row.editAt ?? [row.tokens.length - 1];
}

function integers(values: readonly number[], shape: readonly number[]): Feed {
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

function checkRows(decoder: DecoderSpec, batch: Batch, { prefix, past }: Before): void {
  const { rows } = batch;
  const layers = decoder.blocks.length;
  const refuse = (row: number, message: string, expected: string) => {
    throw new InvalidArgumentError(`row ${row}: ${message}`, { expected });
  };
  const within = (value: number, limit: number) => Number.isInteger(value) && value >= 0 && value < limit;
  if (rows.length === 0) throw new InvalidArgumentError('a batch without rows');
  if (past.lengths.length !== rows.length) {
    throw new InvalidArgumentError(
      `${rows.length} rows after ${past.lengths.length} rows of keys and values`,
    );
  }
  checkTables('head', batch.headTables, layers * decoder.heads * decoder.headDim);
  checkTables('residual', batch.residualTables, (layers + 1) * decoder.hidden);
  for (const [b, row] of rows.entries()) {
    const length = row.tokens.length;
    if (length === 0) refuse(b, 'no tokens', 'at least one');
    const end = prefix.length + past.lengths[b]! + length;
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
