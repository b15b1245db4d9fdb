import { describe, expect, test } from 'vitest';
import { absolutePath } from '../../discovery/path.ts';
import {
  contractIdentity,
  modelSlug,
  outputIdentity,
  parseContractPath,
  promptHash,
  recipeExampleId,
  runnerIdentity,
  storeIdentity,
} from './identity.ts';

describe('identity', () => {
  const run = ['data', 'x', 'runs', '2026-01-20', 'm', 'a__b', 'bench', 'seed_42'];

  test('paths are absolute, whatever the store is rooted at', () => {
    expect(absolutePath('file:/data/x', 'runs/y')).toEqual(['data', 'x', 'runs', 'y']);
    expect(absolutePath('file:/', 'data/x')).toEqual(['data', 'x']);
    expect(absolutePath('s3://bucket/prefix/', 'runs')).toEqual(['bucket', 'prefix', 'runs']);
  });

  test('contract paths', () => {
    expect(parseContractPath(run)).toEqual({
      date: '2026-01-20',
      method: 'm',
      modelSlug: 'a__b',
      benchmark: 'bench',
      seed: 42n,
    });
    expect(parseContractPath(run.slice(4))).toBeUndefined();
    expect(parseContractPath([...run.slice(0, -1), 'seed_x'])).toBeUndefined();
    expect(contractIdentity(run)).toBe('2026-01-20/m/a__b/bench/seed_42');
    expect(contractIdentity(['lab', 'runs', 'trial', 'one'])).toBe('trial/one');
  });

  test('the other layouts', () => {
    expect(runnerIdentity(['r', 'exp', 'data', 'method', 'seed_0'])).toBe('exp/data/method/seed_0');
    expect(runnerIdentity(['r', 'exp', 'data', 'method'])).toBe('exp/data/method');
    expect(outputIdentity(['o', 'task', 'Model'])).toBe('output/task/Model');
    expect(storeIdentity(['x', 'activations', 'a', 'seed_0', 's.zarr'])).toBe('stores/a/seed_0/s.zarr');
    expect(storeIdentity(['x', 'shared', 'task_model', 'activations.zarr'])).toBe(
      'stores/task_model/activations.zarr',
    );
    expect(modelSlug('org/a/b')).toBe('org__a__b');
  });

  test('hashes are over UTF-8', () => {
    // From coreutils' sha256sum.
    expect(promptHash('é')).toBe('4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c');
    expect(recipeExampleId('b', 's', 'é', 'pm', 7)).toBe(
      '79fdd244c42bd614f319f5be9a2eafdaf9640403cdb93608c3c38bec1d5bf173',
    );
  });
});
