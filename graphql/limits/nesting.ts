const OPEN = new Set(['{', '[', '(']);
const CLOSE = new Set(['}', ']', ')']);
/** Strings and comments of a GraphQL document, or one bracket. An unclosed string ends at its line. */
const PARTS = /"""(?:\\"""|[^"]|"(?!""))*(?:"""|$)|"(?:\\.|[^"\\\n])*"?|#[^\n]*|[{}[\]()]/g;

/**
 * How deeply brackets are nested in the text of a document. It is measured before parsing, because the parser
 * recurses once a level and would overflow the stack.
 */
export function bracketDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [part] of text.matchAll(PARTS)) {
    if (OPEN.has(part)) deepest = Math.max(deepest, ++depth);
    else if (CLOSE.has(part)) depth--;
  }
  return deepest;
}
