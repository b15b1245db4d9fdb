import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { generateLake } from './data/lake.ts';
import { withWriter } from './lakes.ts';

const options = new Command('generate-lake')
  .description('Fills an empty lake with generated runs, for measuring at scale.')
  .requiredOption('--out <directory>', 'gets `store` (RUNLAKE_STORE=file:…/store) and `home` (RUNLAKE_HOME)')
  .option('--runs <n>', 'runs', '10000')
  .option('--predictions <n>', 'predictions over all runs', '5000000')
  .option('--generations <n>', 'generations over all runs', '0')
  .option('--activations <n>', 'vectors in one store that every run refers to', '0')
  .option('--hidden <n>', 'length of a vector', '256')
  .parse()
  .opts<Record<'out' | 'runs' | 'predictions' | 'generations' | 'activations' | 'hidden', string>>();

const started = performance.now();
await withWriter(options.out, availableParallelism(), (writer) =>
  generateLake(writer, {
    runs: Number(options.runs),
    predictions: Number(options.predictions),
    generations: Number(options.generations),
    activations: Number(options.activations),
    hidden: Number(options.hidden),
  }),
);
console.log(`${options.out}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
