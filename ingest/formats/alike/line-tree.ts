import type { TextColumn } from '../../../lake/tables/text-column.ts';

/** A place in a line whose value differs from line to line. */
export interface Slot {
  /** Where its values go, a text a line. */
  readonly column: TextColumn;
  /** Whether a value is wanted as JSON, or as the text that it stands for. */
  readonly json: boolean;
}

/** Reads the values of slots. */
export interface ValueReader {
  /** What sort of value `read` found last: a small number above 0. Lines that differ in it are not alike. */
  readonly kind: number;
  /**
   * Reads the value that begins at `at` and ends its text in the slot's column; gives the place behind the value.
   * -1 for every value about which the format's own parser might have anything to say.
   * @param end of the bytes, all UTF-8; the last one is a newline
   */
  read(bytes: Uint8Array, at: number, end: number, slot: Slot): number;
}

/** The bytes up to a slot, and the sort of value that was in it. The last piece of a line has no slot. */
export interface Piece {
  readonly literal: Uint8Array;
  readonly slot?: Slot;
  readonly kind?: number;
}

interface Node<T> {
  /** Bytes that are compared, then one of: a slot, with what follows each kind of value; branches; the end of a line. */
  readonly literal: Uint8Array;
  slot?: Slot;
  readonly kinds: Node<T>[];
  /** They begin with different bytes. */
  readonly branches: Node<T>[];
  template?: T;
}

function nodeOf<T>(literal: Uint8Array): Node<T> {
  return { literal, kinds: [], branches: [] };
}

/**
 * A radix tree of known lines. A line matches when it has the same bytes as a known one outside of the slots, and
 * values of the same kinds in them; what known lines have in common is compared once.
 */
export class LineTree<T> {
  readonly #reader: ValueReader;
  readonly #root: Node<T> = nodeOf(new Uint8Array(0));
  #end = 0;

  constructor(reader: ValueReader) {
    this.#reader = reader;
  }

  /** Behind the line that matched last. */
  get end(): number {
    return this.#end;
  }

  /**
   * What was added with the line that the one at `start` is like; its values are in the columns then. Without a match
   * the columns may have got some values all the same.
   */
  match(bytes: Uint8Array, start: number, end: number): T | undefined {
    const reader = this.#reader;
    let node: Node<T> | undefined = this.#root;
    let at = start;
    while (node !== undefined) {
      const { literal, slot, template, kinds, branches }: Node<T> = node;
      if (at + literal.length > end) return undefined;
      for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) return undefined;
      at += literal.length;
      if (slot !== undefined) {
        at = reader.read(bytes, at, end, slot);
        if (at < 0) return undefined;
        node = kinds[reader.kind];
      } else if (template !== undefined) {
        this.#end = at;
        return template;
      } else {
        const byte = bytes[at];
        node = branches.find((branch) => branch.literal[0] === byte);
      }
    }
    return undefined;
  }

  add(pieces: readonly Piece[], template: T): void {
    let node = this.#root;
    for (const { literal, slot, kind } of pieces) {
      const next = extend(node, literal);
      if (next === undefined) return;
      if (slot === undefined || kind === undefined) {
        next.template = template;
        return;
      }
      next.slot = slot;
      node = next.kinds[kind] ??= nodeOf(new Uint8Array(0));
    }
  }
}

/** The node behind a literal that begins at `node`; undefined where something else than bytes is known to follow. */
function extend<T>(node: Node<T>, literal: Uint8Array): Node<T> | undefined {
  if (literal.length === 0) return node;
  if (node.slot !== undefined || node.template !== undefined) return undefined;
  const at = node.branches.findIndex((branch) => branch.literal[0] === literal[0]);
  const branch = node.branches[at];
  if (branch === undefined) {
    const added = nodeOf<T>(literal);
    node.branches.push(added);
    return added;
  }
  const same = commonLength(branch.literal, literal);
  if (same === branch.literal.length) return extend(branch, literal.subarray(same));
  const fork = nodeOf<T>(branch.literal.subarray(0, same));
  fork.branches.push({ ...branch, literal: branch.literal.subarray(same) });
  node.branches[at] = fork;
  return extend(fork, literal.subarray(same));
}

function commonLength(a: Uint8Array, b: Uint8Array): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
