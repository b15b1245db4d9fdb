import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Cli, compileCli } from '../support/cli.ts';
import { pythonHas, runPython } from '../support/python.ts';

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const checkpoint = path('models/demo/checkpoint');
const EXAMPLES = 36;

let cli: Cli;
let directory: string;
beforeAll(async () => {
  cli = await compileCli();
  directory = mkdtempSync(join(tmpdir(), 'runlake-notebook-'));
});
afterAll(async () => {
  await cli.remove();
  rmSync(directory, { recursive: true, force: true });
});

test.skipIf(!pythonHas('requests', 'torch', 'transformers'))(
  'inference launched, followed and read over HTTP by Python gives the numbers of transformers',
  async () => {
    const server = cli.start(['serve', '--port', '0'], {
      RUNLAKE_STORE: `file:${directory}/store`,
      RUNLAKE_HOME: `${directory}/home`,
      RUNLAKE_LOG: 'info',
    });
    const { url } = await server.logged('ready');
    const out = join(directory, 'answers.json');
    const told = await runPython(path('examples/notebooks/inference_over_http.py'), [
      ...['--url', String(url), '--checkpoint', checkpoint],
      ...['--questions', path('examples/closed-book/questions.jsonl')],
      ...['--limit', String(EXAMPLES), '--out', out],
    ]);
    expect(told).toMatch(/^RUNNING/m);
    expect(told).toMatch(
      new RegExp(`^COMPLETED .*'stage': 'ingest'.*\\n${EXAMPLES} answers, \\d+ of them wrong`, 'm'),
    );
    server.child.kill('SIGTERM');

    const answers = z
      .array(z.object({ labelSource: z.string(), prediction: z.object({ scoreHalu: z.number() }) }))
      .parse(JSON.parse(readFileSync(out, 'utf8')));
    expect(new Set(answers.map(({ labelSource }) => labelSource))).toEqual(new Set(['containment']));
    const compared = JSON.parse(
      await runPython(path('test/interop/notebook_check.py'), [checkpoint, out]),
    ) as Record<string, number>;
    expect(compared).toMatchObject({ examples: EXAMPLES, responses: EXAMPLES, labels: EXAMPLES });
    // Two layers, at the last token of the prompt and of the response.
    expect(compared['vectors']).toBe(EXAMPLES * 4);
    expect(compared['worst']).toBeLessThan(1e-4);
    expect(await server.exited).toBe(0);
  },
  180_000,
);
