import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { Row } from './batch.ts';

/** Which rows a batch has at each point of the residual stream, and what each goes on from. */
export interface RowLayout {
  /** By point, the batch's rows that are there, in the batch's order. */
  readonly rows: readonly (readonly number[])[];
  /** By point, for each of them the place among the rows of the point before that it goes on from; at point 0 its own. */
  readonly sources: readonly (readonly number[])[];
  /** By point, for each of them the place among the rows of point 0 whose tokens it carries. */
  readonly origins: readonly (readonly number[])[];
}

/**
 * Lays the rows of a batch out over the points.
 * @param prefixes how many prefixes share the rows among them, in equal runs
 * @throws InvalidArgumentError a row begins from one that is not there yet, or the prefixes' rows differ in where they begin
 */
export function layoutOf(rows: readonly Row[], points: number, prefixes: number): RowLayout {
  const begins = rows.map(({ from }) => from?.point ?? 0);
  checkOrigins(rows, begins, points);
  checkEvenness(begins, prefixes);
  const late = begins.some((point) => point > 0);
  const everywhere = rows.map((_, row) => row);
  if (!late) {
    const same = Array.from({ length: points }, () => everywhere);
    return { rows: same, sources: same, origins: same };
  }
  const there = Array.from({ length: points }, (_, point) =>
    everywhere.filter((row) => begins[row]! <= point),
  );
  const places = there.map((some) => new Map(some.map((row, place) => [row, place])));
  const origin = (row: number): number => {
    const { from } = rows[row]!;
    return from === undefined ? places[0]!.get(row)! : origin(from.row);
  };
  return {
    rows: there,
    sources: there.map((some, point) =>
      some.map((row, place) =>
        point === 0 ? place : places[point - 1]!.get(begins[row] === point ? rows[row]!.from!.row : row)!,
      ),
    ),
    origins: there.map((some) => some.map(origin)),
  };
}

function checkOrigins(rows: readonly Row[], begins: readonly number[], points: number): void {
  for (const [at, { from, tokens, replace, add }] of rows.entries()) {
    if (from === undefined) continue;
    const refuse = (message: string, expected: string) => {
      throw new InvalidArgumentError(`row ${at}: ${message}`, { expected });
    };
    const { row, point } = from;
    if (!Number.isInteger(point) || point < 1 || point >= points)
      refuse(`begins at point ${point}`, `1 to ${points - 1}`);
    const source = rows[row];
    if (source === undefined || begins[row]! >= point)
      refuse(`begins from row ${row}, which is not there before point ${point}`, 'a row that begins earlier');
    if (source!.tokens.length !== tokens.length || source!.tokens.some((token, i) => token !== tokens[i]))
      refuse(`has other tokens than row ${row}`, 'those of the row that it begins from');
    const early =
      replace?.heads.some(({ layer }) => layer < point) || add?.points.some((one) => one.point < point);
    if (early) refuse(`is changed before point ${point}, where it begins`, 'changes from there on');
  }
}

function checkEvenness(begins: readonly number[], prefixes: number): void {
  const size = begins.length / prefixes;
  const even = Number.isInteger(size) && begins.every((point, row) => point === begins[row % size]);
  if (even) return;
  throw new InvalidArgumentError(`${begins.length} rows do not divide among ${prefixes} prefixes`, {
    expected: 'as many rows a prefix, beginning at the same points',
  });
}
