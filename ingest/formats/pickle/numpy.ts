import { FormatError } from '../errors.ts';
import { contiguousStrides, elementCount, Tensor } from '../tensor/tensor.ts';
import { decodeFixedText, type ElementType, parseTypeString, toLittleEndian } from '../tensor/type-string.ts';
import { narrow } from './cursor.ts';
import { corrupt } from './errors.ts';
import { type BuildContext, type Builder, type GlobalTable, globalTable, Pending } from './globals.ts';
import { isList, ObjectArray, Opaque, type PickleValue, Tuple } from './values.ts';

class NumpyDType extends Opaque {
  readonly label: string;
  readonly type: ElementType;
  constructor(label: string, type: ElementType) {
    super();
    this.label = label;
    this.type = type;
  }
}

/** `numpy.dtype('f2', False, True)`, then BUILD with (version, byte order, subdtype, names, fields, size, alignment, flags). */
const dtype: Builder = ([code], { at }) => {
  if (typeof code !== 'string') throw corrupt('a numpy dtype without a type string', at);
  return new Pending(`numpy.dtype(${code})`, (state, context) => {
    const items = state instanceof Tuple ? state.items : [];
    const [, order, subtype = null, names = null, fields = null] = items;
    if (typeof order !== 'string' || !/^[<>=|]$/.test(order)) {
      throw corrupt('a numpy dtype with a state that numpy does not write', context.at);
    }
    const plain = subtype === null && names === null && fields === null;
    const type = plain ? parseTypeString(order + code.replace(/^[<>=|]/, '')) : undefined;
    if (type === undefined) {
      throw new FormatError('UNSUPPORTED', `numpy arrays of dtype ${plain ? code : 'record'} are not read`, {
        expected: 'bool, integers, float16 to float64, strings or objects',
        byteOffset: context.at,
      });
    }
    return new NumpyDType(code, type);
  });
};

/** `_reconstruct(ndarray, (0,), b'b')`, then BUILD with (version, shape, dtype, fortran, data). */
const reconstruct: Builder = () =>
  new Pending('numpy.ndarray', (state, context) => {
    const items = state instanceof Tuple ? state.items : [];
    const [, shape, type, fortran, data] = items.length === 5 ? items : [null, ...items];
    return array(shape, type, fortran === true || fortran === 1 ? 'F' : 'C', data, context);
  });

/** `_frombuffer(data, dtype, shape, order)`: protocol 5. */
const fromBuffer: Builder = ([data, type, shape, order], context) =>
  array(shape, type, order === 'F' ? 'F' : 'C', data, context);

/** `scalar(dtype, bytes)`. */
const scalar: Builder = ([type, data], context) => {
  const value = array(new Tuple([]), type, 'C', data, context);
  if (value instanceof ObjectArray) return value.items[0]!;
  if (value.dtype === 'bool') return value.toNumbers()[0] === 1;
  return value.dtype.endsWith('int64') ? narrow(value.toBigInts()[0]!) : value.toNumbers()[0]!;
};

function array(
  shapeValue: PickleValue | undefined,
  type: PickleValue | undefined,
  order: 'C' | 'F',
  data: PickleValue | undefined,
  context: BuildContext,
): Tensor | ObjectArray {
  if (!(type instanceof NumpyDType)) throw corrupt('a numpy array without a dtype', context.at);
  const shape = shapeOf(shapeValue, context);
  const count = elementCount(shape);
  const element = type.type;
  if (element.kind === 'object') {
    if (data === undefined || !isList(data) || data.length !== count) {
      throw corrupt('a numpy object array whose items do not fit its shape', context.at);
    }
    if (order === 'F' && shape.length > 1) {
      throw new FormatError('UNSUPPORTED', 'an object array in Fortran order', { byteOffset: context.at });
    }
    return new ObjectArray(shape, data);
  }
  const bytes = bytesOf(data, context);
  if (bytes.length !== count * element.itemSize) {
    throw corrupt(
      `a numpy array of shape (${shape.join(', ')}) and dtype ${type.label} with ${bytes.length} bytes`,
      context.at,
    );
  }
  if (element.kind !== 'number') {
    if (order === 'F' && shape.length > 1) {
      throw new FormatError('UNSUPPORTED', 'a string array in Fortran order', { byteOffset: context.at });
    }
    context.charge(count * 16 + bytes.length * 2);
    return new ObjectArray(shape, decodeFixedText(bytes, element, count));
  }
  if (element.bigEndian) context.charge(bytes.length);
  const strides = contiguousStrides(shape, order);
  return new Tensor({ dtype: element.dtype, shape, strides, data: toLittleEndian(bytes, element) });
}

function bytesOf(data: PickleValue | undefined, context: BuildContext): Uint8Array {
  if (data instanceof Uint8Array) return data;
  // Python 2 wrote raw data as str; the reader turned it into Latin-1 text.
  if (typeof data === 'string') {
    context.charge(data.length);
    return Buffer.from(data, 'latin1');
  }
  throw corrupt('a numpy array without its data', context.at);
}

/** Extents of a shape given as a tuple of ints. */
export function shapeOf(value: PickleValue | undefined, context: BuildContext): number[] {
  const items =
    value instanceof Tuple ? value.items : isList(value ?? null) ? (value as PickleValue[]) : null;
  const single = typeof value === 'number' ? [value] : items;
  if (single?.every((item) => typeof item === 'number')) return single as number[];
  throw corrupt('a shape that is no tuple of integers', context.at);
}

const multiarray = { _reconstruct: reconstruct, scalar };
const numeric = { _frombuffer: fromBuffer };

/** numpy arrays, scalars and dtypes, under the module names of numpy 1 and 2. */
export const numpyGlobals: GlobalTable = globalTable({
  numpy: { dtype, ndarray: undefined },
  'numpy.core.multiarray': multiarray,
  'numpy._core.multiarray': multiarray,
  'numpy.core.numeric': numeric,
  'numpy._core.numeric': numeric,
});
