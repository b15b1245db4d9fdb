import type { Cursor } from './cursor.ts';
import { corrupt, forbid, overLimit } from './errors.ts';
import { AllowedGlobal, type BuildContext, type GlobalTable, hashable, Pending } from './globals.ts';
import { op } from './opcodes.ts';
import { operations } from './operations.ts';
import { Opaque, type PickleValue, Tuple } from './values.ts';

export interface MachineOptions {
  readonly globals: GlobalTable;
  readonly persistentLoad: ((id: PickleValue, byteOffset: number) => PickleValue) | undefined;
  /** Bytes that builders may allocate in total. */
  readonly allowance: number;
}

const maxStack = 64 * 1024 * 1024;

/** Estimates of heap memory in bytes, bookkeeping of the check of the result included. */
const slot = 16;
const memoEntry = 48;
const container = 112;
const map = 256;

function costOf(value: PickleValue): number {
  if (typeof value === 'string') return slot + 16 + value.length;
  if (typeof value !== 'object' || value === null) return slot;
  return (
    slot + (value instanceof Map || value instanceof Set || value instanceof Uint8Array ? map : container)
  );
}

/** The stack machine of one pickle. All sizes are bounded by the input: an opcode pushes at most one value. */
export class Machine implements BuildContext {
  at = 0;
  private readonly input: Cursor;
  private readonly options: MachineOptions;
  private readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  /** Index of the topmost mark in the stack: values below it are out of reach. */
  private floor = 0;
  private readonly memo = new Map<number, PickleValue>();
  private pending = 0;
  private allowance: number;

  constructor(input: Cursor, options: MachineOptions) {
    this.input = input;
    this.options = options;
    this.allowance = options.allowance;
  }

  charge(bytes: number): void {
    this.allowance -= bytes;
    if (!(this.allowance >= 0)) {
      throw overLimit('the pickle asks for far more memory than its size explains', this.at);
    }
  }

  run(): PickleValue {
    const { input } = this;
    for (;;) {
      this.at = input.at;
      const code = input.u8();
      if (code === op.STOP) return this.finish();
      const operation = operations[code];
      if (operation === undefined) throw corrupt(`no opcode 0x${code.toString(16)}`, this.at);
      operation(this, input);
      if (this.stack.length > maxStack) throw overLimit('too many values on the stack', this.at);
    }
  }

  private finish(): PickleValue {
    const value = this.pop();
    if (this.pending > 0) throw corrupt('an object was made but never got its state', this.at);
    return value;
  }

  /** A value that the opcode has made. Memory of what it made is accounted for. */
  push(value: PickleValue): void {
    this.charge(costOf(value));
    this.stack.push(value);
  }

  /** A value that exists already. */
  pushShared(value: PickleValue): void {
    this.charge(slot);
    this.stack.push(value);
  }

  pop(): PickleValue {
    if (this.stack.length <= this.floor) throw corrupt('an opcode without its operands', this.at);
    return this.stack.pop()!;
  }

  top(): PickleValue {
    if (this.stack.length <= this.floor) throw corrupt('an opcode without its operands', this.at);
    return this.stack[this.stack.length - 1]!;
  }

  popTuple(): Tuple {
    const args = this.pop();
    if (!(args instanceof Tuple)) throw corrupt('arguments that are no tuple', this.at);
    return args;
  }

  /** Everything above the topmost mark, which is removed. */
  popMark(): PickleValue[] {
    const start = this.marks.pop();
    if (start === undefined) throw corrupt('an opcode without its mark', this.at);
    this.floor = this.marks[this.marks.length - 1] ?? 0;
    return this.stack.splice(start);
  }

  remember(key: number): void {
    const value = this.top();
    if (value instanceof Pending) value.memoKeys.push(key);
    this.charge(memoEntry);
    this.memo.set(key, value);
  }

  memoize(): void {
    this.remember(this.memo.size);
  }

  recall(key: number): void {
    const value = this.memo.get(key);
    if (value === undefined) throw corrupt(`memo ${key} was never set`, this.at);
    if (value instanceof Pending) throw corrupt('an object refers to itself before it is complete', this.at);
    this.pushShared(value);
  }

  global(module: string, name: string): void {
    const found = this.options.globals.get(`${module} ${name}`);
    if (found === undefined) throw forbid(`${module}.${name}`, this.at);
    this.pushShared(found);
  }

  stackGlobal(): void {
    const name = this.pop();
    const module = this.pop();
    if (typeof name !== 'string' || typeof module !== 'string')
      throw corrupt('a class without a name', this.at);
    this.global(module, name);
  }

  call(callee: PickleValue, args: readonly PickleValue[]): void {
    if (!(callee instanceof AllowedGlobal) || callee.call === undefined) {
      throw forbid(
        callee instanceof Opaque ? `a call of ${callee.label}` : 'a call of a plain value',
        this.at,
      );
    }
    const value = callee.call(args, this);
    if (value instanceof Pending) this.pending++;
    this.push(value);
  }

  build(): void {
    const state = this.pop();
    const target = this.pop();
    // Attributes of a dict (torch puts `_metadata` on state dicts) are not part of its value.
    if (target instanceof Map) {
      this.pushShared(target);
      return;
    }
    if (!(target instanceof Pending)) throw corrupt('a state for an object that has none', this.at);
    const value = target.build(state, this);
    this.pending--;
    for (const key of target.memoKeys) this.memo.set(key, value);
    this.push(value);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw corrupt('items for something that is no list', this.at);
    for (const item of items) list.push(item);
  }

  setItems(items: readonly PickleValue[], map: PickleValue): void {
    if (!(map instanceof Map) || items.length % 2 !== 0)
      throw corrupt('items that do not fit a dict', this.at);
    for (let i = 0; i < items.length; i += 2) map.set(hashable(items[i]!, this.at), items[i + 1]!);
  }

  addItems(items: readonly PickleValue[], set: PickleValue): void {
    if (!(set instanceof Set)) throw corrupt('items for something that is no set', this.at);
    for (const item of items) set.add(hashable(item, this.at));
  }

  persistent(id: PickleValue): void {
    if (this.options.persistentLoad === undefined) throw forbid('a persistent id', this.at);
    this.push(this.options.persistentLoad(id, this.at));
  }

  mark(): void {
    this.floor = this.stack.length;
    this.marks.push(this.floor);
  }

  tuple(count: number): void {
    if (this.stack.length - count < this.floor) throw corrupt('an opcode without its operands', this.at);
    this.push(new Tuple(this.stack.splice(this.stack.length - count)));
  }

  drop(): void {
    // POP on a mark removes the mark.
    if (this.marks.length > 0 && this.stack.length === this.floor) this.popMark();
    else this.pop();
  }

  protocol(version: number): void {
    if (version > 5) throw corrupt(`protocol ${version}`, this.at);
  }

  frame(length: number): void {
    if (length > this.input.bytes.length - this.input.at)
      throw corrupt('a frame longer than the file', this.at);
  }
}
