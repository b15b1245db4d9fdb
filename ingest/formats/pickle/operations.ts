import { type Cursor, latin1 } from './cursor.ts';
import { corrupt, forbid } from './errors.ts';
import { Pending } from './globals.ts';
import type { Machine } from './machine.ts';
import { op } from './opcodes.ts';
import { parseFloat0, parseInt0, parseLong, parseName, parseString, parseUnicode } from './text-opcodes.ts';
import { type PickleValue, Tuple } from './values.ts';

type Operation = (machine: Machine, input: Cursor) => void;

/** Calls an allowed builder with a tuple of arguments; NEWOBJ differs only in what Python would call. */
const reduce: Operation = (m) => {
  const args = m.popTuple();
  m.call(m.pop(), args.items);
};

const outOfBand: Operation = (m) => {
  throw forbid('an out-of-band buffer', m.at);
};

const extension: Operation = (m) => {
  throw forbid('an entry of the extension registry', m.at);
};

const emptyTuple = new Tuple([]);

const table: Readonly<Record<number, Operation>> = {
  [op.PROTO]: (m, input) => m.protocol(input.u8()),
  [op.FRAME]: (m, input) => m.frame(input.u64()),
  [op.MARK]: (m) => m.mark(),
  [op.POP]: (m) => m.drop(),
  [op.POP_MARK]: (m) => {
    m.popMark();
  },
  [op.DUP]: (m) => {
    if (m.top() instanceof Pending) throw corrupt('a copy of an incomplete object', m.at);
    m.pushShared(m.top());
  },
  [op.NONE]: (m) => m.push(null),
  [op.NEWTRUE]: (m) => m.push(true),
  [op.NEWFALSE]: (m) => m.push(false),
  [op.BININT]: (m, input) => m.push(input.i32()),
  [op.BININT1]: (m, input) => m.push(input.u8()),
  [op.BININT2]: (m, input) => m.push(input.u16()),
  [op.LONG1]: (m, input) => m.push(input.integer(input.u8())),
  [op.LONG4]: (m, input) => m.push(input.integer(input.i32())),
  [op.BINFLOAT]: (m, input) => m.push(input.f64()),
  [op.INT]: (m, input) => m.push(parseInt0(input.line(), m.at)),
  [op.LONG]: (m, input) => m.push(parseLong(input.line(), m.at)),
  [op.FLOAT]: (m, input) => m.push(parseFloat0(input.line(), m.at)),
  [op.SHORT_BINUNICODE]: (m, input) => m.push(input.text(input.u8())),
  [op.BINUNICODE]: (m, input) => m.push(input.text(input.u32())),
  [op.BINUNICODE8]: (m, input) => m.push(input.text(input.u64())),
  [op.UNICODE]: (m, input) => m.push(parseUnicode(input.line(), m.at)),
  [op.SHORT_BINSTRING]: (m, input) => m.push(latin1(input.take(input.u8()))),
  [op.BINSTRING]: (m, input) => m.push(latin1(input.take(input.u32()))),
  [op.STRING]: (m, input) => m.push(parseString(input.line(), m.at)),
  [op.SHORT_BINBYTES]: (m, input) => m.push(input.take(input.u8())),
  [op.BINBYTES]: (m, input) => m.push(input.take(input.u32())),
  [op.BINBYTES8]: (m, input) => m.push(input.take(input.u64())),
  [op.BYTEARRAY8]: (m, input) => m.push(input.take(input.u64())),
  [op.NEXT_BUFFER]: outOfBand,
  [op.READONLY_BUFFER]: outOfBand,
  [op.EMPTY_LIST]: (m) => m.push([]),
  [op.EMPTY_TUPLE]: (m) => m.pushShared(emptyTuple),
  [op.EMPTY_DICT]: (m) => m.push(new Map()),
  [op.EMPTY_SET]: (m) => m.push(new Set()),
  [op.APPEND]: (m) => m.append([m.pop()]),
  [op.APPENDS]: (m) => m.append(m.popMark()),
  [op.LIST]: (m) => m.push(m.popMark()),
  [op.TUPLE]: (m) => m.push(new Tuple(m.popMark())),
  [op.TUPLE1]: (m) => m.tuple(1),
  [op.TUPLE2]: (m) => m.tuple(2),
  [op.TUPLE3]: (m) => m.tuple(3),
  [op.DICT]: (m) => {
    const map = new Map<PickleValue, PickleValue>();
    m.setItems(m.popMark(), map);
    m.push(map);
  },
  [op.SETITEM]: (m) => {
    const value = m.pop();
    m.setItems([m.pop(), value], m.top());
  },
  [op.SETITEMS]: (m) => m.setItems(m.popMark(), m.top()),
  [op.ADDITEMS]: (m) => m.addItems(m.popMark(), m.top()),
  [op.FROZENSET]: (m) => {
    const set = new Set<PickleValue>();
    m.addItems(m.popMark(), set);
    m.push(set);
  },
  [op.GET]: (m, input) => m.recall(Number(parseLong(input.line(), m.at))),
  [op.BINGET]: (m, input) => m.recall(input.u8()),
  [op.LONG_BINGET]: (m, input) => m.recall(input.u32()),
  [op.PUT]: (m, input) => m.remember(Number(parseLong(input.line(), m.at))),
  [op.BINPUT]: (m, input) => m.remember(input.u8()),
  [op.LONG_BINPUT]: (m, input) => m.remember(input.u32()),
  [op.MEMOIZE]: (m) => m.memoize(),
  [op.GLOBAL]: (m, input) => {
    const module = parseName(input.line(), m.at);
    m.global(module, parseName(input.line(), m.at));
  },
  [op.STACK_GLOBAL]: (m) => m.stackGlobal(),
  [op.REDUCE]: reduce,
  [op.NEWOBJ]: reduce,
  [op.NEWOBJ_EX]: (m) => {
    const keywords = m.pop();
    if (!(keywords instanceof Map) || keywords.size > 0) throw forbid('a call with keywords', m.at);
    const args = m.popTuple();
    m.call(m.pop(), args.items);
  },
  [op.INST]: (m, input) => {
    const module = parseName(input.line(), m.at);
    m.global(module, parseName(input.line(), m.at));
    const callee = m.pop();
    m.call(callee, m.popMark());
  },
  [op.OBJ]: (m) => {
    const [callee = null, ...args] = m.popMark();
    m.call(callee, args);
  },
  [op.BUILD]: (m) => m.build(),
  [op.PERSID]: (m, input) => m.persistent(parseName(input.line(), m.at)),
  [op.BINPERSID]: (m) => m.persistent(m.pop()),
  [op.EXT1]: extension,
  [op.EXT2]: extension,
  [op.EXT4]: extension,
};

/** What each opcode does, indexed by the opcode; a hole is no opcode. */
export const operations: readonly (Operation | undefined)[] = Array.from(
  { length: 256 },
  (_, code) => table[code],
);
