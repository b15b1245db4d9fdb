import type { EditorView } from '@codemirror/view';
import { lazy, type ReactNode, Suspense, useMemo, useRef, useState } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { useSchema } from '../schema/use-schema.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { useAddress } from '../ui/use-address.ts';
import { CatalogBrowser } from './browse/catalog-browser.tsx';
import { SchemaBrowser } from './browse/schema-browser.tsx';
import { CATALOG } from './catalog.ts';
import { formatted, operationAt } from './document.ts';
import { remember } from './history.ts';
import { marksOf } from './request.ts';
import { Result } from './result/result.tsx';
import { Starts } from './starts.tsx';
import { Toolbar } from './toolbar.tsx';
import { useDrafts } from './use-drafts.ts';
import { useRun } from './use-run.ts';
import './console.css';

const GraphqlEditors = lazy(() =>
  import('./editor/graphql-editors.tsx').then(({ GraphqlEditors: editors }) => ({ default: editors })),
);
const SqlEditor = lazy(() =>
  import('./editor/sql-editor.tsx').then(({ SqlEditor: editor }) => ({ default: editor })),
);

const NO_CATALOG: readonly never[] = [];

/** Questions of one's own: GraphQL and SQL with the names of the lake at hand, answers as tables and files. */
export function ConsolePage(): ReactNode {
  const { draft, edit, open, unlinked } = useDrafts();
  const { parameters, show } = useAddress();
  const { run, cancel, outcome, error, since } = useRun();
  const schema = useSchema();
  const catalog = useAnswer(CATALOG);
  const [note, setNote] = useState('');
  const view = useRef<EditorView | null>(null);

  const showDocs = (name: string | undefined) => {
    const next = new URLSearchParams(location.search);
    if (name === undefined) next.delete('doc');
    else next.set('doc', name);
    show(next);
  };
  const go = (asked = draft) => {
    setNote('');
    const cursor = view.current?.state.selection.main.head ?? 0;
    remember(asked, new Date());
    run(asked, asked.mode === 'graphql' ? operationAt(asked.query, cursor) : undefined);
  };
  const marks = useMemo(
    () => (outcome?.draft.query === draft.query ? marksOf(outcome.answer.errors ?? [], outcome.draft) : []),
    [outcome, draft.query],
  );
  const isSql = draft.mode === 'sql';
  return (
    <div className="console">
      <h1>Console</h1>
      <aside>
        {isSql ? (
          catalog.isError ? (
            <Failure error={catalog.error} again={() => void catalog.refetch()} />
          ) : catalog.isPending ? (
            <Loading what="tables" />
          ) : (
            <CatalogBrowser
              catalog={catalog.data.catalog}
              look={(name) => {
                const query = `SELECT * FROM ${name} LIMIT 100\n`;
                open('sql', { query });
                go({ ...draft, mode: 'sql', query });
              }}
            />
          )
        ) : schema.isError ? (
          <Failure error={schema.error} again={() => void schema.refetch()} />
        ) : schema.isPending ? (
          <Loading what="the schema" />
        ) : (
          <SchemaBrowser schema={schema.data} shown={parameters.get('doc') ?? undefined} show={showDocs} />
        )}
      </aside>
      <div className="work">
        <Toolbar
          draft={draft}
          since={since}
          unlinked={unlinked}
          note={note}
          edit={edit}
          open={open}
          run={() => go()}
          cancel={cancel}
          format={() => {
            const text = formatted(draft.query);
            setNote(text === undefined ? 'left as it is: it has an error, or comments inside' : '');
            if (text !== undefined) edit({ query: text });
          }}
        >
          <Starts open={open} />
        </Toolbar>
        <Suspense
          fallback={
            <div className="editors">
              <Loading what="the editor" />
            </div>
          }
        >
          {isSql ? (
            <SqlEditor
              draft={draft}
              edit={edit}
              run={() => go()}
              marks={marks}
              catalog={catalog.data?.catalog ?? NO_CATALOG}
            />
          ) : (
            <GraphqlEditors
              draft={draft}
              edit={edit}
              run={() => go()}
              marks={marks}
              schema={schema.data}
              showDocs={showDocs}
              view={view}
            />
          )}
        </Suspense>
        <p className="quiet keys">
          Ctrl+Enter runs, Ctrl+Space completes, Tab leaves the editor
          {!isSql && '; Ctrl+click on a name shows what it is'}.
        </p>
        {error !== undefined && <Failure error={error} />}
        {outcome !== undefined && <Result outcome={outcome} busy={since !== undefined} />}
        {outcome === undefined && error === undefined && since === undefined && (
          <Empty>What comes back is shown here.</Empty>
        )}
      </div>
    </div>
  );
}
