import { describe, expect, it } from 'vitest';
import { RelationError } from '../errors.ts';
import { queryDirectory } from './query-directory.ts';
import { ineligible, orderedQueries, type RelationOptions, readRelation } from './relation.ts';

const read = (text: string, options: RelationOptions = {}) => readRelation([Buffer.from(text)], options);

describe('readRelation', () => {
  it('groups rows by relation query, strips cells and leaves out rows with an empty one', async () => {
    const { queries, dropped } = await read(
      'id, ex_A ,ex_B\r\nQ1, hot ,cold\r\nQ2,up,down\r\nQ1,,x\r\nQ1,big,small\r\n',
    );
    expect([...queries]).toEqual([
      [
        'Q1',
        [
          { input: 'hot', output: 'cold' },
          { input: 'big', output: 'small' },
        ],
      ],
      ['Q2', [{ input: 'up', output: 'down' }]],
    ]);
    expect(dropped).toEqual([4]);
  });

  it.each([
    ['q before id', 'id,q,exA,exB\n1,Q,a,b\n', 'Q'],
    ['an exact name before one in another case', 'Q,id,exA,exB\n1,Q,a,b\n', 'Q'],
    ['any case', 'QID,EXA,OUTPUT\nQ,a,b\n', 'Q'],
  ])('takes %s', async (_, text, q) => {
    expect([...(await read(text)).queries.keys()]).toEqual([q]);
  });

  it('takes the columns that are named', async () => {
    const text = 'q_id,relation,input,output\nantonym-000,antonym,hot,cold\n';
    const { queries } = await read(text, { columns: { query: 'relation' } });
    expect([...queries.keys()]).toEqual(['antonym']);
  });

  it.each([
    ['a missing column', 'id,exA\nQ,a\n', /no column exB/],
    ['a row of two cells', 'id,exA,exB\nQ,a\n', /damaged/],
    ['no rows', 'id,exA,exB\n', /no complete row/],
    ['a query that is too long for a directory', `id,exA,exB\n${'ä'.repeat(40)},a,b\n`, /too long/],
  ])('refuses %s', async (_, text, message) => {
    const error = await read(text, { file: 'r.csv' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RelationError);
    expect(error).toMatchObject({ message: expect.stringMatching(message), where: { file: 'r.csv' } });
  });

  it('lets go of a file whose columns are not the ones it needs', async () => {
    let open = 0;
    const file = async function* () {
      open++;
      try {
        yield Buffer.from('id,exA\nQ,a\n');
        yield Buffer.from('Q,b\n');
      } finally {
        open--;
      }
    };
    await expect(readRelation(file())).rejects.toThrow(RelationError);
    expect(open).toBe(0);
  });

  it('orders queries as texts, or as asked, and tells which have too few rows', async () => {
    const relation = await read('id,exA,exB\nQ2,a,b\nQ10,a,b\nQ10,c,d\nQ1,a,b\n');
    expect(orderedQueries(relation, undefined)).toEqual(['Q1', 'Q10', 'Q2']);
    expect(orderedQueries(relation, ['Q2', 'Q9', 'Q2'])).toEqual(['Q2', 'Q9']);
    expect(ineligible(relation, 'Q10', { demos: 1 })).toBeUndefined();
    expect(ineligible(relation, 'Q2', { demos: 1 })).toBe('insufficient rows (1 < 2)');
    expect(ineligible(relation, 'Q9', { demos: 9 })).toBe('insufficient rows (0 < 10)');
  });
});

describe('queryDirectory', () => {
  it.each([
    ['Q3', 'Q3'],
    ['present_past-2.1', 'present_past-2.1'],
    ['../../etc', '%2E.%2F..%2Fetc'],
    ['..', '%2E.'],
    ['.', '%2E'],
    ['a,b/c\\d%', 'a%2Cb%2Fc%5Cd%25'],
    ["wer?*'\n", 'wer%3F%2A%27%0A'],
  ])('%j is %s', (qId, name) => {
    expect(queryDirectory(qId)).toBe(name);
    expect(decodeURIComponent(name)).toBe(qId);
  });

  it.each(['', '\ud800', 'x'.repeat(201)])('refuses %j', (qId) => {
    expect(() => queryDirectory(qId)).toThrow(RelationError);
  });
});
