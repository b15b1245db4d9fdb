import { csvOf } from '../plots/save.ts';
import { titleOf } from './dimensions.ts';
import { escapeLatex, latexNumber } from './latex.ts';
import { rounded } from './rounded.ts';
import type { AggregateCell, AggregateTable } from './table.ts';
import type { AggregateView } from './view.ts';

export interface ExportedTable {
  readonly table: AggregateTable;
  readonly view: Pick<AggregateView, 'rows' | 'column' | 'scope' | 'source'>;
  readonly metric: string;
}

/** A sentence that says what the numbers are. */
export function captionOf({ view, metric }: ExportedTable): string {
  return `${metric} (${view.scope}, ${view.source}): mean ± half-width of the 95 % Student t interval over runs; bold: best of its column; ≈: its interval overlaps that of the best.`;
}

/** The table in GitHub's Markdown. */
export function toMarkdown(exported: ExportedTable): string {
  const { table, view, metric } = exported;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const heads = [...view.rows.map(titleOf), ...table.columns].map(escapeMarkdown);
  const rule = [...view.rows.map(() => '---'), ...table.columns.map(() => '---:')];
  const rows = table.rows.map(({ names, cells }) =>
    line([...names.map(escapeMarkdown), ...cells.map(markdownCell)]),
  );
  return [line(heads), line(rule), ...rows, '', escapeMarkdown(captionOf({ table, view, metric })), ''].join(
    '\n',
  );
}

function markdownCell(cell: AggregateCell | undefined): string {
  const number = cell && rounded(cell.group.mean, cell.group.halfWidth);
  if (number === undefined) return '–';
  const value = cell?.standing === 'best' ? `**${number.value}**` : number.value;
  return `${value}${number.half === undefined ? '' : ` ± ${number.half}`}${cell?.standing === 'tied' ? ' ≈' : ''}`;
}

/** A text as it is, in a cell of a table of Markdown. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\\`*_{}[\]<>|~#&!]/g, (sign) => `\\${sign}`)
    .trim();
}

/** The table in LaTeX, with rules of the package booktabs. */
export function toLatex(exported: ExportedTable): string {
  const { table, view } = exported;
  const line = (cells: readonly string[]) => `${cells.join(' & ')} \\\\`;
  const heads = [...view.rows.map(titleOf), ...table.columns].map(escapeLatex);
  const rows = table.rows.map(({ names, cells }) =>
    line([...names.map(escapeLatex), ...cells.map(latexCell)]),
  );
  return [
    `% ${captionOf(exported).replace(/\s+/g, ' ')} Needs \\usepackage{booktabs}.`,
    `\\begin{tabular}{${'l'.repeat(view.rows.length)}${'c'.repeat(table.columns.length)}}`,
    '\\toprule',
    line(heads),
    '\\midrule',
    ...rows,
    '\\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n');
}

function latexCell(cell: AggregateCell | undefined): string {
  const number = cell && rounded(cell.group.mean, cell.group.halfWidth);
  if (number === undefined) return '--';
  const plain = latexNumber(number.value);
  const value = cell?.standing === 'best' ? `\\mathbf{${plain}}` : plain;
  const half = number.half === undefined ? '' : ` \\pm ${latexNumber(number.half)}`;
  return `$${value}${half}${cell?.standing === 'tied' ? '^{\\approx}' : ''}$`;
}

/** A line a cell, with every digit: what the table is made of. */
export function toCsv({ table, view, metric }: ExportedTable): string {
  return csvOf(
    table.rows.flatMap(({ names, cells }) =>
      cells.flatMap((cell, j) => {
        if (cell === undefined) return [];
        const { n, nMissing, mean, sd, ciLow, ciHigh, halfWidth } = cell.group;
        return {
          ...Object.fromEntries(view.rows.map((name, i) => [titleOf(name), names[i]])),
          ...(view.column !== null && { [titleOf(view.column)]: table.columns[j] }),
          ...{
            metric,
            n,
            missing: nMissing,
            mean,
            sd,
            ci_low: ciLow,
            ci_high: ciHigh,
            half_width: halfWidth,
          },
        };
      }),
    ),
  );
}
