import { isoMicros } from '../../lake/engine/iso-time.ts';
import type { EngineValue } from '../../lake/engine/types.ts';
import type { ValueIssues } from '../value-issues.ts';
import { base64Floats, exactInteger, parseJsonExactly } from '../values.ts';
import type { ScalarName } from './entities.ts';
import type { Shape, ShapeField } from './ir.ts';
import { RANK, slotName } from './sql.ts';

export type Path = (string | number)[];
/** A row of the result (by position) or an item of a nested list (by slot name). */
type Source = readonly EngineValue[] | { readonly [slot: string]: EngineValue };
type ShapedObject = Record<string, unknown>;
type Step = (source: Source, target: ShapedObject, path: Path) => void;

const NOT_FINITE = 'JSON has no such number; SQL and exports have the real value';

/** Where in the response an answer goes, and where its numbers that JSON lacks are noted. */
export interface AnswerPlace {
  readonly path: Path;
  readonly issues: ValueIssues;
}

/** A double as JSON has it: null for NaN and infinities, which the response's issues tell. */
export function float(value: number, path: Path, issues: ValueIssues): number | null {
  if (Number.isFinite(value)) return value;
  issues.add(path, String(value), NOT_FINITE);
  return null;
}

function floats(values: Float32Array, path: Path, issues: ValueIssues): (number | null)[] {
  const list: (number | null)[] = new Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    list[i] = Number.isFinite(value) ? value : float(value, [...path, i], issues);
  }
  return list;
}

function json(text: string, path: Path, issues: ValueIssues): unknown {
  try {
    return parseJsonExactly(text);
  } catch {
    issues.add(path, text, 'the column holds a text that is not JSON; SQL has it');
    return null;
  }
}

function valueAt(source: Source, at: string | number): EngineValue {
  return (source as { readonly [key: string | number]: EngineValue })[at] ?? null;
}

function byRank(a: Source, b: Source): number {
  return Number(valueAt(a, RANK)) - Number(valueAt(b, RANK));
}

type Convert = (value: EngineValue, path: Path, issues: ValueIssues) => unknown;

const asIs: Convert = (value) => value;
const integers: Convert = (value) =>
  Array.isArray(value) ? value.map((item) => (typeof item === 'bigint' ? exactInteger(item) : item)) : value;

const CONVERTERS: Readonly<Record<ScalarName, Convert>> = {
  ID: asIs,
  String: asIs,
  Boolean: asIs,
  Date: asIs,
  StringList: asIs,
  Int: (value) => (typeof value === 'bigint' ? Number(value) : value),
  BigInt: (value) => (typeof value === 'bigint' ? exactInteger(value) : value),
  BigIntList: integers,
  Float: (value, path, issues) => (typeof value === 'number' ? float(value, path, issues) : value),
  FloatList: (value, path, issues) => (value instanceof Float32Array ? floats(value, path, issues) : value),
  Vector: (value, path, issues) => (value instanceof Float32Array ? floats(value, path, issues) : value),
  DateTime: (value) => (typeof value === 'bigint' ? isoMicros(value) : value),
  JSON: (value, path, issues) => (typeof value === 'string' ? json(value, path, issues) : value),
  ComplianceItem: (value, path, issues) => (typeof value === 'string' ? json(value, path, issues) : value),
  IdentityCheck: (value, path, issues) => (typeof value === 'string' ? json(value, path, issues) : value),
};

const base64: Convert = (value) => (value instanceof Float32Array ? base64Floats(value) : value);

/** The wanted properties of each object of a JSON list; anything else in the list is left out. */
function picked(value: unknown, properties: readonly (readonly [string, string])[]): unknown {
  if (!Array.isArray(value)) return null;
  return value
    .filter((item) => typeof item === 'object' && item !== null && !Array.isArray(item))
    .map((item) => Object.fromEntries(properties.map(([key, property]) => [key, item[property] ?? null])));
}

/**
 * Compiles a shape into a function from a row of the result to the object of the response, keyed by response
 * keys. Numbers that JSON lacks become null and are reported to `issues` with their path.
 */
export function compileShape(
  shape: Shape,
  positions: ReadonlyMap<number, number> | undefined,
  issues: ValueIssues,
): (source: Source, path: Path) => ShapedObject {
  const steps = shape.map((field) => step(field, positions, issues));
  return (source, path) => {
    const target: ShapedObject = {};
    for (const step of steps) step(source, target, path);
    return target;
  };
}

function step(
  field: ShapeField,
  positions: ReadonlyMap<number, number> | undefined,
  issues: ValueIssues,
): Step {
  const at = (slot: number): string | number => positions?.get(slot) ?? slotName(slot);
  const { key } = field;
  switch (field.kind) {
    case 'typename':
      return (_, target) => {
        target[key] = field.name;
      };
    case 'value': {
      const index = at(field.slot);
      const convert = field.base64 ? base64 : CONVERTERS[field.scalar];
      const { properties } = field;
      if (convert === asIs) {
        return (source, target) => {
          target[key] = valueAt(source, index);
        };
      }
      return (source, target, path) => {
        const value = valueAt(source, index);
        path.push(key);
        const converted = value === null ? null : convert(value, path, issues);
        path.pop();
        target[key] = properties ? picked(converted, properties) : converted;
      };
    }
    case 'one': {
      const present = at(field.slot);
      const inner = compileShape(field.fields, positions, issues);
      return (source, target, path) => {
        path.push(key);
        target[key] = valueAt(source, present) === true ? inner(source, path) : null;
        path.pop();
      };
    }
    case 'list': {
      const index = at(field.slot);
      const inner = compileShape(field.fields, undefined, issues);
      return (source, target, path) => {
        const items = valueAt(source, index);
        path.push(key);
        target[key] = Array.isArray(items)
          ? items.sort(byRank).map((item: Source, i) => {
              path.push(i);
              const object = inner(item, path);
              path.pop();
              return object;
            })
          : [];
        path.pop();
      };
    }
  }
}
