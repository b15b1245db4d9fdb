import { corrupt } from './errors.ts';
import { Complex, isList, Opaque, type PickleValue, Tuple } from './values.ts';

/** What a builder may ask of the reader. */
export interface BuildContext {
  /** Offset of the opcode, for messages. */
  readonly at: number;
  /** Accounts for `bytes` of new memory. @throws FormatError `LIMIT` when the pickle has used up its allowance */
  charge(bytes: number): void;
}

export type Builder = (args: readonly PickleValue[], context: BuildContext) => PickleValue | Pending;

/** An allowed (module, name). Resolving it runs nothing; `call` is our own code, never Python's. */
export class AllowedGlobal extends Opaque {
  readonly label: string;
  readonly call: Builder | undefined;
  constructor(label: string, call: Builder | undefined) {
    super();
    this.label = label;
    this.call = call;
  }
}

/** An object that Python makes in two steps (REDUCE, then BUILD with its state). */
export class Pending extends Opaque {
  readonly label: string;
  /** Where the memo holds it, to be replaced by the finished object. */
  readonly memoKeys: number[] = [];
  readonly build: (state: PickleValue, context: BuildContext) => PickleValue;
  constructor(label: string, build: Pending['build']) {
    super();
    this.label = label;
    this.build = build;
  }
}

/** What a (module, name) stands for: keys are `module name`. A value that is not an AllowedGlobal is a constant. */
export type GlobalTable = ReadonlyMap<string, AllowedGlobal | Opaque>;

/** A table from `module` -> `name` -> builder. `undefined` marks a class that may be named but not called. */
export function globalTable(
  modules: Readonly<Record<string, Readonly<Record<string, Builder | Opaque | undefined>>>>,
): GlobalTable {
  const table = new Map<string, AllowedGlobal | Opaque>();
  for (const [module, names] of Object.entries(modules)) {
    for (const [name, entry] of Object.entries(names)) {
      const label = `${module}.${name}`;
      table.set(`${module} ${name}`, entry instanceof Opaque ? entry : new AllowedGlobal(label, entry));
    }
  }
  return table;
}

/** All globals of some tables; of equal names the last one counts. */
export function mergeTables(...tables: readonly GlobalTable[]): GlobalTable {
  return new Map(tables.flatMap((table) => [...table]));
}

/** Items of a list, tuple or set; a copy of the reference list only. */
function itemsOf(value: PickleValue | undefined, context: BuildContext): PickleValue[] {
  if (value === undefined) return [];
  let items: PickleValue[];
  if (isList(value)) items = [...value];
  else if (value instanceof Tuple) items = [...value.items];
  else if (value instanceof Set) items = [...value];
  else throw corrupt('a container made of something that is none', context.at);
  context.charge(items.length * 16);
  return items;
}

function mapOf(value: PickleValue | undefined, context: BuildContext): Map<PickleValue, PickleValue> {
  if (value instanceof Map) {
    context.charge(value.size * 32);
    return new Map(value);
  }
  const map = new Map<PickleValue, PickleValue>();
  for (const pair of itemsOf(value, context)) {
    const items = pair instanceof Tuple ? pair.items : isList(pair) ? pair : [];
    if (items.length !== 2) throw corrupt('a dict made of items that are no pairs', context.at);
    map.set(hashable(items[0]!, context.at), items[1]!);
  }
  return map;
}

/** @throws FormatError for a value that cannot be a dict key or set element in Python */
export function hashable(key: PickleValue, at: number): PickleValue {
  if (isList(key) || key instanceof Map || key instanceof Set) {
    throw corrupt('a dict key or set element that cannot be hashed', at);
  }
  return key;
}

function setOf(args: readonly PickleValue[], context: BuildContext): Set<PickleValue> {
  return new Set(itemsOf(args[0], context).map((item) => hashable(item, context.at)));
}

function latin1Bytes(text: string, context: BuildContext): Uint8Array {
  context.charge(text.length);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) throw corrupt('bytes written as text have a character over 255', context.at);
    bytes[i] = code;
  }
  return bytes;
}

/** `_codecs.encode(text, 'latin1')`: how protocols below 3 write bytes. */
const encode: Builder = ([text, codec], context) => {
  if (typeof text !== 'string' || !(codec === 'latin1' || codec === 'latin-1')) {
    throw corrupt('_codecs.encode with arguments that no pickler writes', context.at);
  }
  return latin1Bytes(text, context);
};

const bytearray: Builder = ([source, codec], context) => {
  if (source === undefined) return new Uint8Array(0);
  if (source instanceof Uint8Array) return source;
  if (typeof source === 'string' && codec !== undefined) return encode([source, codec], context);
  throw corrupt('a bytearray made of something else than bytes', context.at);
};

const complex: Builder = ([re, im], context) => {
  if (typeof re !== 'number' || typeof im !== 'number') throw corrupt('a complex of no numbers', context.at);
  return new Complex(re, im);
};

const builtins = {
  set: setOf,
  frozenset: setOf,
  list: (args, context) => itemsOf(args[0], context),
  tuple: (args, context) => new Tuple(itemsOf(args[0], context)),
  dict: (args, context) => mapOf(args[0], context),
  bytearray,
  bytes: bytearray,
  complex,
} satisfies Record<string, Builder>;

/** Plain containers of Python. `__builtin__` is the module's name in protocols 0 to 2. */
export const builtinGlobals: GlobalTable = globalTable({
  builtins,
  __builtin__: builtins,
  collections: { OrderedDict: (args, context) => mapOf(args[0], context) },
  _codecs: { encode },
});
