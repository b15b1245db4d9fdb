import { expect, it } from 'vitest';
import { modelName, titleOf } from './title.ts';

const nothing = { id: 'main/entropy/some/run', method: null, modelId: null, benchmark: null, seed: null };

it('names models without the folders they lay in', () => {
  expect(modelName('/mnt/hub/models--meta-llama--Llama-3.1-8B/snapshots/d04e5')).toBe(
    'meta-llama/Llama-3.1-8B',
  );
  expect(modelName('/data/fv/models/tiny-llama-a')).toBe('tiny-llama-a');
  expect(modelName('/data/fv/models/tiny-llama-a/')).toBe('tiny-llama-a');
  expect(modelName('meta-llama/Llama-3.1-8B')).toBe('meta-llama/Llama-3.1-8B');
  expect(modelName('llama3.1:8b')).toBe('llama3.1:8b');
});

it('says what is known of a run, and its id where nothing is', () => {
  expect(titleOf({ ...nothing, method: 'probe', modelId: 'a/b', benchmark: 'triviaqa', seed: 0 })).toBe(
    'probe · a/b · triviaqa · seed 0',
  );
  expect(titleOf({ ...nothing, method: 'jvp' })).toBe('some/run');
  expect(titleOf({ ...nothing, id: 'odd' })).toBe('odd');
});
