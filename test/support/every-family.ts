import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryTree } from '../../ingest/testing.ts';
import { sharedDir } from './shared.ts';

/** What of the fixtures beside a checkout shows each family, by where it lies in the tree. */
const FIXTURES: Readonly<Record<string, string>> = {
  'probes/tiny/tiny_memmap/linear_probe/seed_0':
    'hallulens/good/real_runner/runs/baseline_comparison_tiny/tiny_memmap/linear_probe/seed_0',
  'chaosbench/data': 'chaosbench/mini_project/data',
  'chaosbench/runs/flaky': 'chaosbench/mini_project/runs/flaky',
  'entropy/results/b22_plan_contradiction': 'entropy/broken/b22_plan_contradiction',
  'fv/results_fv': 'fv/interrupted_llama_a',
};

const LM_EVAL = fileURLToPath(new URL('../fixtures/lm-eval', import.meta.url));

/** A tree with runs of every family, of those whose fixtures are at hand, and some files. */
export function everyFamilyTree(
  files: Parameters<typeof temporaryTree>[0],
): ReturnType<typeof temporaryTree> {
  const tree = temporaryTree(files);
  const link = (name: string, target: string) => {
    mkdirSync(dirname(join(tree.path, name)), { recursive: true });
    symlinkSync(target, join(tree.path, name));
  };
  link('lm-eval', LM_EVAL);
  if (sharedDir === undefined) return tree;
  for (const [name, fixture] of Object.entries(FIXTURES)) link(name, join(sharedDir, 'fixtures', fixture));
  return tree;
}
