import type { Spread } from './measure.ts';
import { type Outcome, verdict } from './types.ts';

function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

function range({ median, min, max }: Spread): string {
  return min === max ? number(median) : `${number(median)} (${number(min)}–${number(max)})`;
}

/** The outcomes as an aligned table. */
export function table(outcomes: readonly Outcome[]): string {
  const header = ['what', 'ours', 'reference', 'value', 'target', 'verdict'];
  const rows = outcomes.map((outcome) => {
    const { what, unit, ours, reference, against, value, target } = outcome;
    return [
      `${what} [${unit}]`,
      range(ours),
      reference === undefined ? '-' : `${range(reference)} ${against ?? ''}`.trim(),
      reference === undefined ? number(value) : `${number(value)}x`,
      target === undefined ? '-' : `${target.relation} ${target.value}${reference === undefined ? '' : 'x'}`,
      verdict(outcome),
    ];
  });
  const widths = header.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, c) => cell.padEnd(widths[c]!))
      .join('  ')
      .trimEnd();
  const notes = outcomes.flatMap(({ what, note }) => (note === undefined ? [] : [`  ${what}: ${note}`]));
  return [line(header), ...rows.map(line), ...notes].join('\n');
}
