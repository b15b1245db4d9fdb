import { SandboxError } from './errors.ts';

type Node = Readonly<Record<string, unknown>>;

/**
 * DuckDB counts the memory of tables, sorts and joins, but not that of one value, and interrupts a query between vectors of
 * values, not inside one: a single call that makes a huge value, or compares two long texts in quadratic time, would be
 * stopped by no limit. So what makes values of a size of its own choosing has to say a small size.
 */
const LARGEST = 100_000;

/** Functions whose result has the size that an argument says, and the place of that argument. */
const SIZED: ReadonlyMap<string, number> = new Map([
  ['lpad', 1],
  ['rpad', 1],
  ['list_resize', 1],
  ['array_resize', 1],
  ['bitstring', 1],
  ['to_base', 2],
]);

/** Functions whose results, one in the other, have the product of their sizes. */
const MULTIPLYING = new Set(['repeat', 'range', 'generate_series']);

const RANGES = new Set(['range', 'generate_series']);
const LENGTHS = new Set(['len', 'length', 'array_length', 'list_length']);
/** What the length of a column counts as: once in a statement, not once more within itself. */
const LENGTH_OF_A_COLUMN = 10_000;

/** Functions that take the product of the lengths of two texts in time, and some in memory. */
const QUADRATIC = new Set(['levenshtein', 'editdist3', 'damerau_levenshtein']);

const FORMATTING = new Set(['format', 'printf']);
/** A width of five digits, or one that is an argument. */
const WIDE_FORMAT = /\d{5}|\*|\{[^}]*\{/;

/** The calls of one statement: what they could make, one in the other, is bounded. */
export class ResultSizes {
  #product = 1;

  /** @param call a node of class FUNCTION of the syntax tree @throws SandboxError */
  add(call: Node): void {
    const name = String(call['function_name']).toLowerCase();
    const operands = Array.isArray(call['children']) ? call['children'] : [];
    if (QUADRATIC.has(name))
      throw new SandboxError(`the function ${name} is not allowed: it cannot be stopped`);
    const place = SIZED.get(name);
    if (place !== undefined && operands.length > place) sizeOf(name, operands[place]);
    if (MULTIPLYING.has(name)) {
      const sizes = (name === 'repeat' ? operands.slice(1) : operands).map((operand) =>
        sizeOf(name, operand),
      );
      this.#product *= Math.max(1, ...sizes);
      if (this.#product > LARGEST) throw tooLarge(name);
    }
    if (FORMATTING.has(name)) {
      const pattern = constantOf(operands[0]);
      if (typeof pattern !== 'string' || WIDE_FORMAT.test(pattern)) {
        throw new SandboxError(`${name} needs a constant format without large or variable widths`);
      }
    }
  }
}

/** The constant that a size has to be. @throws SandboxError */
function sizeOf(name: string, operand: unknown): number {
  const size = constantOf(operand) ?? (RANGES.has(name) ? lengthOf(name, operand) : undefined);
  if (typeof size !== 'number' || !(Math.abs(size) <= LARGEST)) throw tooLarge(name);
  return Math.abs(size);
}

/** `len(column)`, also as in `range(1, len(column) + 1)`: as many numbers as there are elements already. */
function lengthOf(name: string, operand: unknown): number | undefined {
  if (!isNode(operand) || operand['class'] !== 'FUNCTION' || !Array.isArray(operand['children']))
    return undefined;
  const operands: readonly unknown[] = operand['children'];
  const called = String(operand['function_name']).toLowerCase();
  if (LENGTHS.has(called)) return operands.every(isColumn) ? LENGTH_OF_A_COLUMN : undefined;
  if (called !== '+' && called !== '-') return undefined;
  return operands.reduce((sum: number, part) => sum + sizeOf(name, part), 0);
}

function isColumn(operand: unknown): boolean {
  return isNode(operand) && operand['type'] === 'COLUMN_REF';
}

function tooLarge(name: string): SandboxError {
  return new SandboxError(`${name} would make a value of unknown or large size`, {
    expected: `a constant size, and at most ${LARGEST} together`,
    remedy: 'make rows in place of one large value, e.g. FROM range(…)',
  });
}

function constantOf(operand: unknown): unknown {
  if (!isNode(operand) || operand['type'] !== 'VALUE_CONSTANT') return undefined;
  return isNode(operand['value']) ? operand['value']['value'] : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
