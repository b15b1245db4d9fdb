// First: what it sets is read when graphql is loaded.
import '../src/production.ts';

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { table } from './report.ts';
import { activationRead } from './rows/activation-read.ts';
import { explorer } from './rows/explorer.ts';
import { exportRows } from './rows/export.ts';
import { fv } from './rows/fv.ts';
import { graphqlCold } from './rows/graphql-cold.ts';
import { graphqlPage } from './rows/graphql-page.ts';
import { graphqlScale } from './rows/graphql-scale.ts';
import { inferenceCapture } from './rows/inference-capture.ts';
import { ingestActivations } from './rows/ingest-activations.ts';
import { ingestMemory } from './rows/ingest-memory.ts';
import { ingestText } from './rows/ingest-text.ts';
import { neighbours } from './rows/neighbours.ts';
import { pgwire } from './rows/pgwire.ts';
import { principalComponents } from './rows/principal-components.ts';
import { probe } from './rows/probe.ts';
import { probeNetworks } from './rows/probe-networks.ts';
import { startup } from './rows/startup.ts';
import type { Bench, Outcome } from './types.ts';

const BENCHES: readonly Bench[] = [
  ingestText,
  ingestActivations,
  ingestMemory,
  activationRead,
  neighbours,
  principalComponents,
  graphqlPage,
  graphqlScale,
  graphqlCold,
  exportRows,
  pgwire,
  explorer,
  inferenceCapture,
  fv,
  probe,
  probeNetworks,
  startup,
];

const program = new Command('bench')
  .description(
    'Measures Runlake against its references, in the same run, and prints ratios with their targets.',
  )
  .argument('[names...]', `some of ${BENCHES.map(({ name }) => name).join(', ')}; all of them without`)
  .option('--quick', 'small sizes: a check that everything runs rather than a measurement')
  .option('--full', 'the sizes of the budget where the default is smaller (10 GB of activations)')
  .option('--repetitions <n>', 'measurements of each contestant')
  .option('--threads <n>', 'threads of every engine', String(availableParallelism()))
  .option('--scratch <directory>', 'where inputs and lakes are written', join(tmpdir(), 'runlake-bench'))
  .option('--keep', 'leave inputs and lakes there for the next time')
  .option('--json <file>', 'write the outcomes, samples included, to a file')
  .parse();

const options = program.opts<{
  quick?: boolean;
  full?: boolean;
  repetitions?: string;
  threads: string;
  scratch: string;
  keep?: boolean;
  json?: string;
}>();
const unknown = program.args.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) program.error(`there is no bench ${unknown.join(', ')}`);
const chosen = BENCHES.filter(({ name }) => program.args.length === 0 || program.args.includes(name));

await mkdir(options.scratch, { recursive: true });
const outcomes: Outcome[] = [];
for (const bench of chosen) {
  console.log(`\n${bench.name}: ${bench.doc}`);
  const measured = await bench.run({
    quick: options.quick ?? false,
    full: options.full ?? false,
    repetitions: Number(options.repetitions ?? (options.quick ? 2 : 5)),
    threads: Number(options.threads),
    scratch: options.scratch,
    log: (line) => console.log(`  ${line}`),
  });
  console.log(table(measured));
  outcomes.push(...measured);
}
if (chosen.length > 1) console.log(`\n${table(outcomes)}`);
if (options.json !== undefined) await writeFile(options.json, JSON.stringify(outcomes, undefined, 2));
if (!options.keep) await rm(options.scratch, { recursive: true, force: true });
