import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Picklable, torchFile, vector } from '../../ingest/formats/torch/writer.ts';
import { pythonHas, pythonJson } from '../support/python.ts';

const source = `
import json, sys, torch
d = torch.load(sys.argv[1], weights_only=True)
def show(v):
    if isinstance(v, torch.Tensor):
        return [str(v.dtype), list(v.shape), v.flatten().tolist()]
    if isinstance(v, dict):
        return [[type(k).__name__, k, show(x)] for k, x in v.items()]
    return [type(v).__name__, v]
print(json.dumps(show(d)))`;

describe.skipIf(!pythonHas('torch'))('torch files', () => {
  it('are opened by torch.load(weights_only=True)', async () => {
    const storage = new Float32Array([9, 1, 2, 3, 4, 5, 6, 9]).subarray(1, 7);
    const value = new Map<string, Picklable>([
      ['n_heads', 8],
      ['alpha_default', { float: 1 }],
      ['model_spec', 'llama3'],
      ['clean_mean', { storage, shape: [3, 1, 2], strides: [2, 2, 1], offset: 0 }],
      [
        'fv_by_layer',
        new Map<number, Picklable>([
          [0, vector([1.5, 2])],
          [300, vector([0, 0])],
        ]),
      ],
    ]);
    const folder = await mkdtemp(join(tmpdir(), 'runlake-torch-'));
    try {
      await writeFile(join(folder, 'a.pt'), torchFile(value));
      expect(pythonJson(source, [join(folder, 'a.pt')])).toEqual([
        ['str', 'n_heads', ['int', 8]],
        ['str', 'alpha_default', ['float', 1]],
        ['str', 'model_spec', ['str', 'llama3']],
        ['str', 'clean_mean', ['torch.float32', [3, 1, 2], [1, 2, 3, 4, 5, 6]]],
        [
          'str',
          'fv_by_layer',
          [
            ['int', 0, ['torch.float32', [2], [1.5, 2]]],
            ['int', 300, ['torch.float32', [2], [0, 0]]],
          ],
        ],
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
