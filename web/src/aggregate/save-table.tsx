import type { ReactNode } from 'react';
import { save } from '../plots/save.ts';
import { CopyButton } from '../ui/copy.tsx';
import { type ExportedTable, toCsv, toLatex, toMarkdown } from './export.ts';

/** The table to take away. */
export function SaveTable({ exported }: { exported: ExportedTable }): ReactNode {
  return (
    <p className="save-table">
      <CopyButton text={() => toMarkdown(exported)}>Copy as Markdown</CopyButton>
      <CopyButton text={() => toLatex(exported)}>Copy as LaTeX</CopyButton>
      <button type="button" onClick={() => save(`${exported.metric}.csv`, 'text/csv', toCsv(exported))}>
        CSV
      </button>
    </p>
  );
}
