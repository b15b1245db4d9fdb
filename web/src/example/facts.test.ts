import { expect, it } from 'vitest';
import { recordedFacts } from './facts.ts';
import { judgedLayers } from './judged-layers.ts';

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
