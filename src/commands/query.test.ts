import { expect, it } from 'vitest';
import { graphqlAddress } from './query.ts';

it('asks a server at its address, or where GraphQL is on it', () => {
  expect(graphqlAddress('http://127.0.0.1:4000').href).toBe('http://127.0.0.1:4000/graphql');
  expect(graphqlAddress('https://lake.example.org/group/graphql').href).toBe(
    'https://lake.example.org/group/graphql',
  );
  expect(() => graphqlAddress('lake')).toThrow(/--url lake is no address/);
});
