/**
 * The items of a one-dimensional array literal such as `{1,"a b",NULL}`; undefined when the text is none.
 * Source: PostgreSQL manual, "Array Input and Output Syntax".
 */
export function arrayItems(text: string): (string | null)[] | undefined {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (inner === undefined) return undefined;
  if (inner.trim() === '') return [];
  const items: (string | null)[] = [];
  const item = /\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^",{}\\]|\\.)*))\s*(,|$)/gsy;
  for (;;) {
    const match = item.exec(inner);
    if (match === null) return undefined;
    const [, quoted, bare = '', separator] = match;
    const plain = bare.trim();
    if (quoted === undefined && plain === '') return undefined;
    if (quoted === undefined && plain.toUpperCase() === 'NULL') items.push(null);
    else items.push((quoted ?? plain).replace(/\\(.)/gs, '$1'));
    if (separator === '') return items;
  }
}
