import type { EditorView } from '@codemirror/view';
import type { GraphQLSchema } from 'graphql';
import { type ReactNode, type RefObject, useMemo, useRef } from 'react';
import { Editor } from './editor.tsx';
import type { EditorsProps } from './editors.ts';
import { graphqlLanguage } from './graphql.ts';
import { variablesLanguage } from './variables.ts';

export interface GraphqlEditorsProps extends EditorsProps {
  readonly schema: GraphQLSchema | undefined;
  readonly showDocs: (name: string) => void;
  /** For those who have to know where the cursor is. */
  readonly view: RefObject<EditorView | null>;
}

/** A document of GraphQL and its variables. */
export function GraphqlEditors(props: GraphqlEditorsProps): ReactNode {
  const { draft, edit, run, marks, schema, view } = props;
  const latest = useRef(props);
  latest.current = props;
  const language = useMemo(
    () =>
      graphqlLanguage(schema, (type, field) =>
        latest.current.showDocs(field === undefined ? type : `${type}.${field}`),
      ),
    [schema],
  );
  const variables = useMemo(
    () =>
      variablesLanguage(schema, () => ({
        query: latest.current.draft.query,
        cursor: view.current?.state.selection.main.head ?? 0,
      })),
    [schema, view],
  );
  return (
    <div className="editors two">
      <Editor
        label="GraphQL"
        text={draft.query}
        language={language}
        change={(query) => edit({ query })}
        run={run}
        marks={marks}
        view={view}
      />
      <Editor
        label="Variables as JSON"
        text={draft.variables}
        language={variables}
        change={(text) => edit({ variables: text })}
        run={run}
      />
    </div>
  );
}
