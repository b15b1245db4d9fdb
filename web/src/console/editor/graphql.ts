import type { Extension } from '@codemirror/state';
import { hoverTooltip } from '@codemirror/view';
import { graphql, offsetToPos } from 'cm6-graphql';
import type { GraphQLSchema } from 'graphql';
import { getHoverInformation } from 'graphql-language-service';

/**
 * GraphQL with a schema: completion, validation while one writes, what a name means under the pointer.
 * @param show called with the name of a type and perhaps its field, when they are clicked with Ctrl
 */
export function graphqlLanguage(
  schema: GraphQLSchema | undefined,
  show: (type: string, field?: string) => void,
): Extension {
  const language = graphql(schema, {
    onShowInDocs: (field, type, parent) => {
      if (parent !== undefined && field !== undefined) show(parent, field);
      else if (type !== undefined) show(type.replace(/[[\]!]/g, ''));
    },
  });
  return schema === undefined ? language : [language, meaning(schema)];
}

/** What the name under the pointer is, and its description. */
function meaning(schema: GraphQLSchema): Extension {
  return hoverTooltip(({ state }, position) => {
    const word = state.wordAt(position);
    if (word === null) return null;
    const text = getHoverInformation(
      schema,
      state.doc.toString(),
      offsetToPos(state.doc, Math.min(word.from + 1, word.to)),
    );
    if (typeof text !== 'string' || text === '') return null;
    return {
      pos: word.from,
      end: word.to,
      create() {
        const dom = document.createElement('div');
        dom.className = 'cm-hover';
        dom.textContent = text;
        return { dom };
      },
    };
  });
}
