import { crc32 } from './crc32.ts';

/** A value that `torchFile` can pickle: plain data, and tensors as views of one float32 storage each. */
export type Picklable =
  | null
  | boolean
  /** A whole number of 32 bits is an `int`, any other a `float`. */
  | number
  /** A `float` that may be whole. */
  | { readonly float: number }
  | string
  | TorchView
  | ReadonlyMap<string | number, Picklable>
  /** A global and its arguments. `torch.load(weights_only=True)` opens no file with others than torch's own. */
  | { readonly call: readonly [module: string, name: string]; readonly args: readonly Picklable[] };

/** A tensor: its values within a storage; strides and offset count values. */
export interface TorchView {
  readonly storage: Float32Array;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** A contiguous tensor of one dimension. */
export function vector(values: ArrayLike<number>): TorchView {
  return { storage: Float32Array.from(values), shape: [values.length], strides: [1], offset: 0 };
}

class PickleWriter {
  readonly bytes: number[] = [0x80, 2];
  readonly storages: Float32Array[] = [];

  #op(char: string): void {
    this.bytes.push(char.charCodeAt(0));
  }

  #global(module: string, name: string): void {
    this.#op('c');
    this.bytes.push(...Buffer.from(`${module}\n${name}\n`));
  }

  #tuple(items: readonly (() => void)[]): void {
    this.#op('(');
    for (const item of items) item();
    this.#op('t');
  }

  #int(value: number): void {
    this.#op('J');
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    this.bytes.push(...bytes);
  }

  #text(value: string): void {
    const bytes = Buffer.from(value);
    this.#op('X');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    this.bytes.push(...length, ...bytes);
  }

  #double(value: number): void {
    this.#op('G');
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    this.bytes.push(...bytes);
  }

  write(value: Picklable): void {
    if (value === null) this.#op('N');
    else if (typeof value === 'boolean') this.bytes.push(value ? 0x88 : 0x89);
    else if (typeof value === 'string') this.#text(value);
    else if (typeof value === 'number') isInt32(value) ? this.#int(value) : this.#double(value);
    else if (value instanceof Map) this.#dict(value);
    else if ('float' in value) this.#double(value.float);
    else if ('call' in value) {
      this.#global(...value.call);
      this.#tuple(value.args.map((arg) => () => this.write(arg)));
      this.#op('R');
    } else if ('storage' in value) this.#tensor(value);
  }

  #dict(value: ReadonlyMap<string | number, Picklable>): void {
    this.#op('}');
    this.#op('(');
    for (const [key, item] of value) {
      this.write(key);
      this.write(item);
    }
    this.#op('u');
  }

  #tensor({ storage, shape, strides, offset }: TorchView): void {
    const key = String(this.storages.push(storage) - 1);
    this.#global('torch._utils', '_rebuild_tensor_v2');
    const ints = (values: readonly number[]) => () =>
      this.#tuple(values.map((value) => () => this.#int(value)));
    this.#tuple([
      () => {
        this.#tuple([
          () => this.#text('storage'),
          () => this.#global('torch', 'FloatStorage'),
          () => this.#text(key),
          () => this.#text('cpu'),
          () => this.#int(storage.length),
        ]);
        this.#op('Q');
      },
      () => this.#int(offset),
      ints(shape),
      ints(strides),
      () => this.write(false),
      () => this.write({ call: ['collections', 'OrderedDict'], args: [] }),
    ]);
    this.#op('R');
  }
}

function isInt32(value: number): boolean {
  return (value | 0) === value && !Object.is(value, -0);
}

/** A zip archive of stored members. */
function zip(members: readonly (readonly [name: string, bytes: Uint8Array])[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of members) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(bytes.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), bytes]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    central.push(
      Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), fields, rest, Buffer.from(name)]),
    );
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** A file as `torch.save` writes it, which `torch.load(weights_only=True)` opens: a zip archive of less than 4 GiB. */
export function torchFile(value: Picklable): Buffer {
  const pickle = new PickleWriter();
  pickle.write(value);
  pickle.bytes.push('.'.charCodeAt(0));
  const storages = pickle.storages.map(
    (storage, i) =>
      [`archive/data/${i}`, new Uint8Array(storage.buffer, storage.byteOffset, storage.byteLength)] as const,
  );
  return zip([
    ['archive/data.pkl', Uint8Array.from(pickle.bytes)],
    ...storages,
    ['archive/version', Buffer.from('3\n')],
  ]);
}
