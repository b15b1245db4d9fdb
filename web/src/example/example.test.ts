import { describe, expect, it } from 'vitest';
import { exampleAddress, examplePlaceOf, listParameters } from './address.ts';
import { attemptsOf } from './attempts.ts';
import { examplePython, exampleQuery } from './code.ts';
import { recordedFacts } from './facts.ts';
import { judgedLayers } from './judged-layers.ts';
import { listNamed, listsOf } from './lists.ts';
import { standsFor } from './nearest.ts';
import { among } from './neighbours.ts';
import { normLines, ranges, recordingsOf } from './norms.ts';
import { errorOf, ordered, SEQUENCE_ORDERS } from './sequences.ts';
import { changeText, labelText, referenceText, shortId, tokenText, verdictText } from './text.ts';

describe('addresses', () => {
  it('say all that a page shows, and come back from it', () => {
    const place = {
      run: 'main/chaosbench/a b/x:8b',
      example: 'Q3/trial/0 & more',
      line: 12,
      list: 'least',
      of: '8',
      near: '4',
      snapshot: 'eyJ2',
    };
    const address = new URL(exampleAddress(place), 'http://localhost');
    expect(address.pathname).toBe('/examples');
    expect(examplePlaceOf(address.searchParams)).toEqual(place);
  });

  it('need a run and an example only', () => {
    expect(examplePlaceOf(new URLSearchParams('run=r&example=e&line=x'))).toEqual({ run: 'r', example: 'e' });
    expect(examplePlaceOf(new URLSearchParams('run=r'))).toBeUndefined();
  });

  it('lead back to the list', () => {
    const place = { run: 'r', example: 'e', list: 'least', of: '8' };
    expect(listParameters(place, 'FV')).toBe('?list=least&block=8');
    expect(listParameters({ ...place, list: 'error', of: '1e-6' }, 'ENTROPY')).toBe('?list=error&eta=1e-6');
    expect(listParameters({ run: 'r', example: 'e' }, 'FV')).toBe('');
  });
});

describe('lists', () => {
  const run = { id: 'r', family: 'HALLULENS', nGenerations: 3, nPredictions: 2 };

  it('are those that a run has rows for', () => {
    expect(listsOf(run).map(({ name }) => name)).toEqual([
      'missed',
      'alarms',
      'highest',
      'file',
      'answers',
      'answers-file',
    ]);
    expect(listsOf({ ...run, nPredictions: 0 })[0]?.name).toBe('answers');
    expect(listsOf({ ...run, family: 'CHAOSBENCH' })[0]?.name).toBe('wrong');
    expect(listsOf({ ...run, family: 'CHAOSBENCH', nPredictions: 0 })).toEqual([]);
  });

  it('tell all rows of an example apart', () => {
    for (const family of ['HALLULENS', 'CHAOSBENCH', 'LM_EVAL']) {
      for (const { keys } of listsOf({ ...run, family })) {
        expect(keys.map(({ field }) => field)).toEqual(expect.arrayContaining(['exampleId', 'sourceLine']));
      }
    }
  });

  it('are found by the names in addresses, else in the order of the file', () => {
    expect(listNamed(run, 'alarms', undefined)?.name).toBe('alarms');
    expect(listNamed(run, undefined, undefined)?.name).toBe('file');
    expect(listNamed({ ...run, nPredictions: 0 }, undefined, undefined)?.name).toBe('answers-file');
    const fv = { ...run, family: 'FV' };
    expect(listNamed(fv, 'most', '8')?.filter).toMatchObject({ layer: { eq: 8 } });
    expect(listNamed(fv, 'trials', '2.3')?.filter).toEqual({ layer: { eq: 2 }, head: { eq: 3 } });
    expect(listNamed(fv, 'most', undefined)).toBeUndefined();
  });
});

describe('attempts', () => {
  const meta = { parse_reason: 'final line token', parse_confidence: 0.9 };

  it('are one where the first answer was readable', () => {
    expect(attemptsOf({ response: 'TRUE', outcome: 'VALID_TRUE', extra: { meta } })).toEqual([
      { text: 'TRUE', outcome: 'VALID_TRUE', reason: 'final line token', confidence: 0.9 },
    ]);
  });

  it('are two where the second was unreadable too', () => {
    const extra = { meta, retry_outcome: 'INVALID', retry_pred_text: 'hm' };
    expect(attemptsOf({ response: '', outcome: 'INVALID', extra })).toMatchObject([
      { text: '', outcome: 'INVALID' },
      { text: 'hm', outcome: 'INVALID' },
    ]);
  });

  it('have lost the first text where the second was read', () => {
    const extra = { meta, retry_outcome: 'VALID_FALSE', retry_pred_text: 'FALSE' };
    expect(attemptsOf({ response: 'FALSE', outcome: 'VALID_FALSE', extra })).toMatchObject([
      { text: undefined, outcome: 'INVALID' },
      { text: 'FALSE', outcome: 'VALID_FALSE', confidence: 0.9 },
    ]);
  });

  it('bear records of any shape', () => {
    for (const extra of [null, 'text', { meta: 3 }, { retry_outcome: 1 }]) {
      expect(attemptsOf({ response: 'x', outcome: null, extra })).toEqual([
        { text: 'x', outcome: null, reason: undefined, confidence: undefined },
      ]);
    }
  });
});

describe('activations', () => {
  const vector = (layer: number, tokenIndex: number | null, segment: string | null, norm: number) => ({
    storeId: 's',
    site: 'resid_post',
    layer,
    tokenSelector: tokenIndex === null ? 'mean' : 'all',
    segment,
    tokenIndex,
    dtype: 'float16',
    dim: 8,
    norm,
  });

  it('are taken together by store, site and tokens', () => {
    const [all, mean] = recordingsOf([
      vector(1, 0, 'prompt', 3),
      vector(0, 0, 'prompt', 1),
      vector(0, 1, 'prompt', 2),
      vector(0, 2, 'response', 5),
      vector(0, null, null, 4),
    ]);
    expect(all).toMatchObject({
      layers: [0, 1],
      dims: [8],
      positions: [
        { segment: 'prompt', n: 2 },
        { segment: 'response', n: 1 },
      ],
    });
    expect(mean).toMatchObject({ tokenSelector: 'mean', positions: [{ segment: null, n: 1 }] });
  });

  it('have lines for the tokens that probes look at', () => {
    const [recording] = recordingsOf([
      vector(1, 1, 'prompt', 7),
      vector(0, 1, 'prompt', 2),
      vector(0, 0, 'prompt', 9),
      vector(0, 2, 'response', 5),
    ]);
    expect(recording && normLines(recording)).toEqual([
      {
        name: 'last token of the prompt',
        points: [
          { layer: 0, norm: 2 },
          { layer: 1, norm: 7 },
        ],
      },
      { name: 'last token of the response', points: [{ layer: 0, norm: 5 }] },
    ]);
  });

  it('have a vector that stands for the answer at a layer', () => {
    const [recording] = recordingsOf([
      vector(0, 0, 'prompt', 1),
      vector(0, 2, 'response', 2),
      vector(0, 3, 'response', 3),
      vector(0, 1, 'prompt', 4),
      vector(1, 1, 'prompt', 5),
    ]);
    expect(recording && [0, 1, 2].map((layer) => standsFor(recording, layer)?.norm)).toEqual([
      3,
      5,
      undefined,
    ]);
  });

  it('have layers in short', () => {
    expect(ranges([1, 2, 3, 8, 10, 11])).toBe('1–3, 8, 10–11');
    expect(ranges([])).toBe('');
  });
});

it('reads the layers of a method from the configurations of known tools', () => {
  expect(judgedLayers({ probe: { layers: [3, 1, 2] } })).toBe('1–3');
  expect(judgedLayers({ probe: { layer: 4 } })).toBe('4');
  expect(judgedLayers({ method: { data: { probe_layer: 3, relevant_layers: '1-4' } } })).toBe('3');
  expect(judgedLayers({ method: { data: { relevant_layers: '1-4' } } })).toBe('1–4');
  expect(judgedLayers({ method: 'mean_logprob' })).toBeUndefined();
  expect(judgedLayers(null)).toBeUndefined();
});

it('tells how a response was made', () => {
  expect(
    recordedFacts({
      generationParams: { temperature: 0.8, stop: ['\n'] },
      timing: null,
      extra: { finish_reason: 'length' },
      activationKey: 'k',
      tokens: [{ segment: 'response', tokenIndex: 0, tokenId: 5, logprob: -1 }],
    }),
  ).toEqual([
    { name: 'finish', value: 'length' },
    { name: 'response tokens', value: 1 },
    { name: 'temperature', value: 0.8 },
    { name: 'stop', value: '["\\n"]' },
    { name: 'activation key', value: 'k' },
  ]);
});

it('orders sequences by how far predictions are off', () => {
  const row = (
    sequence: number,
    trueContrib: number | null,
    linear: number | null,
    linquad: number | null,
  ) => ({
    sequence,
    trueContrib,
    linear,
    linquad,
    weight: null,
    tokenCount: null,
  });
  const rows = [row(0, 1, 1, 1), row(1, 1, 5, -2), row(2, null, 1, 1), row(3, 1, 2, null)];
  expect(rows.map(errorOf)).toEqual([0, 3, null, -1]);
  const [byError] = SEQUENCE_ORDERS;
  expect(byError && ordered(rows, byError).map(({ sequence }) => sequence)).toEqual([1, 3, 0, 2]);
});

it('finds the neighbours in a list that is here as a whole', () => {
  expect(among('t', ['a', 'b', 'c'], 'a')).toEqual({
    title: 't',
    position: 1,
    total: 3,
    previous: undefined,
    next: { example: 'b' },
  });
  expect(among('t', ['a', 'b'], 'b')?.previous).toEqual({ example: 'a' });
  expect(among('t', ['a'], 'x')).toBeUndefined();
});

describe('words', () => {
  const judged = { correct: null, predHalu: null, labelHalu: null, outcome: null };

  it('judge', () => {
    expect(verdictText(judged)).toBe('–');
    expect(verdictText({ ...judged, correct: false })).toBe('wrong');
    expect(verdictText({ ...judged, predHalu: true, labelHalu: true })).toBe('right');
    expect(verdictText({ ...judged, outcome: 'INVALID' })).toBe('unreadable');
    expect([labelText(true), labelText(false), labelText(null)]).toEqual(['made up', 'right', '–']);
    expect([changeText(0, 1), changeText(1, 0), changeText(1, 1), changeText(null, 1)]).toEqual([
      'right with it',
      'wrong with it',
      'right, also without',
      '–',
    ]);
  });

  it('show references, tokens and ids', () => {
    expect(referenceText({ answers: ['Amman', 2] })).toBe('Amman, 2');
    expect(referenceText({ answer: ' net', first_token_id: 5 })).toBe(' net');
    expect(referenceText({ odd: 1 })).toBe('{"odd":1}');
    expect(referenceText(null)).toBeUndefined();
    expect(tokenText('Ġnet')).toBe(' net');
    expect(shortId('ab'.repeat(32))).toBe('ababababab…');
    expect(shortId('atomic_13619_para_1')).toBe('atomic_13619_para_1');
  });
});

it('writes queries that quote what has to be quoted', () => {
  const query = exampleQuery({ run: 'r"1', example: 'e\\n', snapshot: 's' }, 'HALLULENS');
  expect(query).toContain('runId: { eq: "r\\"1" }');
  expect(query).toContain('exampleId: { eq: "e\\\\n" }');
  expect(query).toContain('asOf: { snapshot: "s" }');
  expect(examplePython(query, 'http://h:1')).toContain('"http://h:1/graphql"');
});
