import { type ReactNode, useState } from 'react';
import type { CatalogEntry } from '../catalog.ts';

export interface CatalogBrowserProps {
  readonly catalog: readonly CatalogEntry[];
  /** Shows the first rows of a table or view. */
  readonly look: (name: string) => void;
}

/** Tables and views with their columns, views first: they answer most questions. */
export function CatalogBrowser({ catalog, look }: CatalogBrowserProps): ReactNode {
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const found = matching(catalog, wanted);
  return (
    <section aria-label="Tables and views" className="browser">
      <input
        type="search"
        aria-label="Search tables, columns and descriptions"
        placeholder="Search tables and columns"
        value={search}
        onChange={({ target }) => setSearch(target.value)}
      />
      {found.length === 0 && <p className="quiet">Nothing is called or described like this.</p>}
      {found.map(({ kind, name, description, columns }) => (
        // Searched for anew, it opens anew.
        <details key={`${name} ${wanted}`} open={wanted !== ''}>
          <summary>
            <code>{name}</code> {kind === 'VIEW' && 'view'}
          </summary>
          <p className="quiet">{description}</p>
          <button type="button" className="plain" onClick={() => look(name)}>
            First rows of {name}
          </button>
          <dl>
            {columns.map((column) => (
              <div key={column.name}>
                <dt>
                  <code>{column.name}</code> <span className="quiet">{column.type}</span>
                </dt>
                <dd className="quiet">{column.description}</dd>
              </div>
            ))}
          </dl>
        </details>
      ))}
    </section>
  );
}

/** What is called or described like a text in lower case: whole tables by their own name, else the columns that are. */
export function matching(catalog: readonly CatalogEntry[], wanted: string): readonly CatalogEntry[] {
  const has = ({ name, description }: { readonly name: string; readonly description: string }) =>
    name.toLowerCase().includes(wanted) || description.toLowerCase().includes(wanted);
  return catalog
    .toSorted((a, b) => b.kind.localeCompare(a.kind))
    .flatMap((entry) => {
      if (wanted === '' || has(entry)) return [entry];
      const columns = entry.columns.filter(has);
      return columns.length === 0 ? [] : [{ ...entry, columns }];
    });
}
