import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pythonHas } from '../../test/support/python.ts';
import { encodeFloat16Npy } from './npy.ts';

it.skipIf(!pythonHas('numpy'))('is read by numpy', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runlake-npy-'));
  try {
    const path = join(folder, 'x.npy');
    await writeFile(path, encodeFloat16Npy(Float32Array.of(0.5, -1, 65504, 1e-7, 3, -0), [2, 1, 3]));
    const script =
      'import json,sys,numpy as np; a=np.load(sys.argv[1]); print(json.dumps([str(a.dtype), a.shape, a.ravel().tolist()]))';
    const text = execFileSync('python3', ['-c', script, path], { encoding: 'utf8' });
    expect(JSON.parse(text)).toEqual(['float16', [2, 1, 3], [0.5, -1, 65504, 2 ** -23, 3, -0]]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
