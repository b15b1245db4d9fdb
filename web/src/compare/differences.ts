/** A member of some documents: where it is, and its value in each; undefined in those that lack it. */
export interface Member {
  readonly pointer: string;
  readonly values: readonly unknown[];
  /** Whether it is not the same in all. */
  readonly differs: boolean;
}

/** Members of an object as deep as a page has to follow them. */
const MOST_DEPTH = 12;

/** The members of documents side by side, by their pointers: lists and texts are values, objects are gone into. */
export function membersOf(documents: readonly unknown[]): Member[] {
  const flat = documents.map((document) => new Map(leavesOf(document, '', 0)));
  const pointers = [...new Set(flat.flatMap((leaves) => [...leaves.keys()]))].sort();
  return pointers.map((pointer) => {
    const values = flat.map((leaves) => leaves.get(pointer));
    return { pointer, values, differs: new Set(values.map(sameText)).size > 1 };
  });
}

function* leavesOf(value: unknown, pointer: string, depth: number): Generator<[string, unknown]> {
  if (!isObject(value) || depth === MOST_DEPTH || Object.keys(value).length === 0) {
    if (pointer !== '') yield [pointer, value];
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    yield* leavesOf(member, `${pointer}/${pointerToken(name)}`, depth + 1);
  }
}

/** A name as a part of a JSON pointer (RFC 6901). */
export function pointerToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** A value as a text that equal values share, whatever the order of their members. Null is as good as nothing. */
export function sameText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return JSON.stringify(value, (_, member: unknown) =>
    isObject(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
