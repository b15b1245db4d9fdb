import fc from 'fast-check';
import { buildSchema, type DocumentNode, Kind, type OperationDefinitionNode, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { LimitExceededError } from '../errors.ts';
import { ConcurrencyGate } from './concurrency.ts';
import { operationSize } from './document.ts';
import { bracketDepth } from './nesting.ts';
import { estimateNodes } from './nodes.ts';
import { nestingDepth } from './variables.ts';

function operationOf(document: DocumentNode): OperationDefinitionNode {
  const found = document.definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  if (found?.kind !== Kind.OPERATION_DEFINITION) throw new Error('no operation');
  return found;
}

describe('bracketDepth', () => {
  it('counts brackets outside strings and comments', () => {
    expect(bracketDepth('{ a(b: [1, {c: 2}]) { d } }')).toBe(4);
    expect(bracketDepth('{ a(b: "((((\\"((((", c: """ [[[ \\""" {{ """) # ((((\n }')).toBe(2);
    expect(bracketDepth('"')).toBe(0);
    expect(bracketDepth('"""')).toBe(0);
    expect(bracketDepth(`${'}'.repeat(10)}${'{'.repeat(10)}`)).toBe(0);
  });
  it('ends quickly on any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', '{', '\\', '#', '\n', 'a', '}') }),
        (text) => bracketDepth(text) <= text.length,
      ),
    );
    expect(bracketDepth('"""'.repeat(100_000))).toBe(0);
    expect(bracketDepth('"\\'.repeat(100_000))).toBe(0);
  });
});

it('nestingDepth counts levels of JSON and stops when it is enough', () => {
  expect(nestingDepth(3, 10)).toBe(0);
  expect(nestingDepth({ a: [{ b: 1 }] }, 10)).toBe(3);
  let deep: unknown = 0;
  for (let i = 0; i < 200_000; i++) deep = [deep];
  expect(nestingDepth(deep, 10)).toBe(11);
});

it('operationSize spreads fragments', () => {
  const document = parse(
    '{ a { x: b ...f ...f } __schema { types { name } } } fragment f on T { y: c { d } }',
  );
  expect(operationSize(document, operationOf(document))).toEqual({ depth: 3, aliases: 3, fields: 7 });
});

describe('estimateNodes', () => {
  const schema = buildSchema(`
    type Query { runs(first: Int = 50): Runs! lake: [Run!]! }
    type Runs { nodes: [Run!]! edges: [Edge!]! total: Int }
    type Edge { node: Run! }
    type Run { id: ID! parts(first: Int = 10): [Run!]! parent: Run }
  `);
  const estimate = (text: string, variableValues = {}) => {
    const document = parse(text);
    return estimateNodes({ schema, document, operation: operationOf(document), variableValues });
  };
  it('multiplies page sizes', () => {
    expect(estimate('{ runs { total } }')).toBe(1);
    expect(estimate('{ runs(first: 3) { nodes { id } } }')).toBe(1 + 3);
    expect(estimate('{ runs { edges { node { parent { id } } } } }')).toBe(1 + 50 * (1 + 1 + 1));
    expect(
      estimate('query ($n: Int) { runs(first: $n) { nodes { parts(first: $n) { id } } } }', { n: 4 }),
    ).toBe(1 + 4 * (1 + 4));
    expect(estimate('{ lake { ...f } } fragment f on Run { parts { id } }')).toBe(10 * (1 + 10));
  });
});

it('ConcurrencyGate counts each client, and a request once', () => {
  const gate = new ConcurrencyGate(2);
  const leave = gate.enter('a');
  gate.enter('a');
  expect(() => gate.enter('a')).toThrow(LimitExceededError);
  gate.enter('b');
  leave();
  leave();
  gate.enter('a');
  expect(() => gate.enter('a')).toThrow(/2 at the same time|limit is 2/);
});
