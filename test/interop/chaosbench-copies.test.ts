import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { CHAOSBENCH } from '../../ingest/families/chaosbench/index.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { sharedDir } from '../support/shared.ts';
import { temporaryLake } from '../support/temporary-lake.ts';

const project = `${sharedDir}fixtures/chaosbench/mini_project/`;
const RUN = 'runs/sub_file/20261120T202744Z_ollama_synth-good:70b';
const COPY = 'published_results/runs/20261120T202744Z_ollama_synth-good:70b';

describe.skipIf(sharedDir === undefined)('published copies of ChaosBench runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlake-copies-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('never take the place of the run with its predictions; alone they are read', async () => {
    for (const path of [RUN, COPY]) cpSync(`${project}${path}`, join(folder, path), { recursive: true });
    const temporary = await temporaryLake();
    const add = async (path: string) => {
      const { runs } = await ingest(temporary.writer, [join(folder, path)], { families: [CHAOSBENCH] });
      return runs.map(({ status, issues }) => ({ status, codes: issues.map(({ code }) => code) }));
    };
    expect(await add('published_results')).toMatchObject([{ status: 'ingested' }]);
    expect(await add('runs')).toMatchObject([{ status: 'replaced' }]);
    expect(await add('published_results')).toEqual([{ status: 'unchanged', codes: ['PUBLISHED_COPY'] }]);
    expect(await add('runs')).toMatchObject([{ status: 'unchanged' }]);
    await temporary.remove();
  });
});
