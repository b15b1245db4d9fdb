import { type ReactNode, useMemo } from 'react';
import type { CatalogEntry } from '../catalog.ts';
import { Editor } from './editor.tsx';
import type { EditorsProps } from './editors.ts';
import { sqlLanguage } from './sql.ts';

export interface SqlEditorProps extends EditorsProps {
  readonly catalog: readonly CatalogEntry[];
}

/** A statement of SQL. */
export function SqlEditor({ draft, edit, run, marks, catalog }: SqlEditorProps): ReactNode {
  const language = useMemo(() => sqlLanguage(catalog), [catalog]);
  return (
    <div className="editors">
      <Editor
        label="SQL"
        text={draft.query}
        language={language}
        change={(query) => edit({ query })}
        run={run}
        marks={marks}
      />
    </div>
  );
}
