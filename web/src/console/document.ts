import { Kind, type OperationDefinitionNode, parse, print, type Token, TokenKind } from 'graphql';

/** The operations of a document. @throws GraphQLError when it cannot be read */
export function operationsOf(query: string): readonly OperationDefinitionNode[] {
  return parse(query).definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? [definition] : [],
  );
}

/** The name of the operation to run: where there are several, the one at the cursor. */
export function operationAt(query: string, position: number): string | undefined {
  try {
    const operations = operationsOf(query);
    if (operations.length < 2) return undefined;
    const meant = operations.findLast(({ loc }) => (loc?.start ?? 0) <= position) ?? operations[0];
    return meant?.name?.value;
  } catch {
    // The server says what is wrong with it.
    return undefined;
  }
}

/**
 * A document in the usual form. Comments stay in front of what they are in front of; undefined where there are others, which
 * would be lost, and where the document cannot be read.
 */
export function formatted(query: string): string | undefined {
  try {
    const { definitions, loc } = parse(query);
    const parts = definitions.map((definition) => {
      const { startToken, endToken } = definition.loc ?? {};
      if (startToken === undefined || endToken === undefined) return print(definition);
      for (let token = startToken; token !== endToken && token.next; token = token.next) {
        if (token.kind === TokenKind.COMMENT) throw new SyntaxError('a comment inside');
      }
      return [...commentsBefore(startToken), print(definition)].join('\n');
    });
    const last = loc === undefined ? [] : commentsBefore(loc.endToken);
    return `${[...parts, ...(last.length > 0 ? [last.join('\n')] : [])].join('\n\n')}\n`;
  } catch {
    return undefined;
  }
}

function commentsBefore(token: Token): string[] {
  const found: string[] = [];
  for (let before = token.prev; before?.kind === TokenKind.COMMENT; before = before.prev)
    found.unshift(`#${before.value}`);
  return found;
}
