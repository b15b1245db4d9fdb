import type { EditorView } from '@codemirror/view';
import { type ReactNode, useMemo, useRef, useState } from 'react';
import { useAnswer } from '../api/use-answer.ts';
import { useSchema } from '../schema/use-schema.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { useAddress } from '../ui/use-address.ts';
import { CatalogBrowser } from './browse/catalog-browser.tsx';
import { SchemaBrowser } from './browse/schema-browser.tsx';
import { CATALOG } from './catalog.ts';
import { formatted, operationAt } from './document.ts';
import { Editor } from './editor/editor.tsx';
import { graphqlLanguage } from './editor/graphql.ts';
import { sqlLanguage } from './editor/sql.ts';
import { variablesLanguage } from './editor/variables.ts';
import { remember } from './history.ts';
import { marksOf } from './request.ts';
import { Result } from './result/result.tsx';
import { Starts } from './starts.tsx';
import { Toolbar } from './toolbar.tsx';
import { useDrafts } from './use-drafts.ts';
import { useRun } from './use-run.ts';
import './console.css';

const NO_CATALOG: readonly never[] = [];

/** Questions of one's own: GraphQL and SQL with the names of the lake at hand, answers as tables and files. */
export function ConsolePage(): ReactNode {
  const { draft, edit, open, unlinked } = useDrafts();
  const { parameters, show } = useAddress();
  const { run, cancel, outcome, error, since } = useRun();
  const schema = useSchema();
  const catalog = useAnswer(CATALOG);
  const [note, setNote] = useState('');
  const queryView = useRef<EditorView | null>(null);
  const latest = useRef(draft);
  latest.current = draft;

  const showDocs = (name: string | undefined) => {
    const next = new URLSearchParams(location.search);
    if (name === undefined) next.delete('doc');
    else next.set('doc', name);
    show(next);
  };
  const docs = useRef(showDocs);
  docs.current = showDocs;
  const graphql = useMemo(
    () =>
      graphqlLanguage(schema.data, (type, field) =>
        docs.current(field === undefined ? type : `${type}.${field}`),
      ),
    [schema.data],
  );
  const cursor = () => queryView.current?.state.selection.main.head ?? 0;
  const variables = useMemo(
    () =>
      variablesLanguage(schema.data, () => ({
        query: latest.current.query,
        cursor: queryView.current?.state.selection.main.head ?? 0,
      })),
    [schema.data],
  );
  const sql = useMemo(() => sqlLanguage(catalog.data?.catalog ?? NO_CATALOG), [catalog.data]);

  const go = (asked = draft) => {
    setNote('');
    remember(asked, new Date());
    run(asked, asked.mode === 'graphql' ? operationAt(asked.query, cursor()) : undefined);
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
        <div className={isSql ? 'editors' : 'editors two'}>
          <Editor
            key={draft.mode}
            label={isSql ? 'SQL' : 'GraphQL'}
            text={draft.query}
            language={isSql ? sql : graphql}
            change={(query) => edit({ query })}
            run={() => go()}
            marks={marks}
            view={queryView}
          />
          {!isSql && (
            <Editor
              label="Variables as JSON"
              text={draft.variables}
              language={variables}
              change={(text) => edit({ variables: text })}
              run={() => go()}
            />
          )}
        </div>
        <p className="quiet keys">
          Ctrl+Enter runs, Ctrl+Space completes, Tab leaves the editor
          {!isSql && '; Ctrl+click on a name shows what it is'}.
        </p>
        {error !== undefined && <Failure error={error} />}
        {outcome !== undefined && <Result outcome={outcome} />}
        {outcome === undefined && error === undefined && since === undefined && (
          <Empty>What comes back is shown here.</Empty>
        )}
      </div>
    </div>
  );
}
