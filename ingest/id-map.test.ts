import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdMap } from './id-map.ts';

const hexId = fc.stringMatching(/^[0-9a-f]{64}$/);
const id = fc.oneof(
  hexId,
  // The same first half, and almost hexadecimal.
  hexId.map((text) => `${text.slice(0, 32)}${'0'.repeat(31)}g`),
  hexId.map((text) => text.toUpperCase()),
  hexId.map((text) => `${text.slice(1)}é`),
  fc.string(),
  fc.nat(50).map(String),
);

test('behaves like a Map', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(id, fc.integer()), { maxLength: 300 }), fc.array(id), (entries, others) => {
      const model = new Map<string, number>();
      const map = new IdMap();
      for (const [i, [key, value]] of entries.entries()) {
        const id = i % 2 === 0 ? key : Buffer.from(key);
        if (i % 3 > 0) map.set(id, value);
        else expect(map.add(id, value)).toBe(!model.has(key));
        if (i % 3 > 0 || !model.has(key)) model.set(key, value);
      }
      expect(map.size).toBe(model.size);
      for (const key of [...model.keys(), ...others]) {
        expect(map.get(key)).toBe(model.get(key));
        expect(map.has(Buffer.from(key))).toBe(model.has(key));
      }
    }),
  );
});

test('grows, and slots answer until the next set', () => {
  const map = new IdMap();
  for (let i = 0; i < 20_000; i++) map.set(`id ${i}`, i);
  expect(map.size).toBe(20_000);
  for (let i = 0; i < 20_000; i += 7) expect(map.get(`id ${i}`)).toBe(i);
  const slot = map.slot('id 5');
  expect(map.at(slot)).toBe(5);
  map.put(slot, -5);
  expect(map.get('id 5')).toBe(-5);
  expect(map.slot('absent')).toBe(-1);
});
