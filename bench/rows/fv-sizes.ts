import { ModelProcess } from '../../compute/model/index.ts';
import { cleanMeans } from '../../compute/tasks/fv/sweep/clean-means.ts';
import { headsOf, sweepTrials } from '../../compute/tasks/fv/sweep/head-sweep.ts';
import { fvModel } from '../../compute/tasks/fv/sweep/readings.ts';
import { Contestant, ratio } from '../contestant.ts';
import { randomPrompts } from '../data/fv-prompts.ts';
import { countedSweep, FAST, infoOf, REFERENCE, sweep } from '../data/fv-work.ts';
import { type LlamaShape, writeRandomLlama } from '../data/random-llama.ts';
import { interleave, type Measured, type Spread, spread } from '../measure.ts';
import { dataset } from '../scratch.ts';
import type { BenchContext, Outcome } from '../types.ts';

const LARGER: LlamaShape = {
  layers: 12,
  heads: 12,
  keyValueHeads: 4,
  headDim: 64,
  mlpWidth: 2048,
  vocabulary: 32_000,
};

/** A random checkpoint of 100 M parameters. The reference algorithm is measured on some of its passes, which are alike. */
export async function larger(context: BenchContext): Promise<Outcome> {
  const path = await dataset(context.scratch, 'llama-12x12', (directory) =>
    writeRandomLlama(directory, LARGER),
  );
  const model = new ModelProcess({ path, provider: 'cpu', threads: context.threads, taps: { residual: [] } });
  try {
    const [trials, length] = [context.quick ? 2 : 8, 80];
    const prompts = randomPrompts(trials, length, LARGER.vocabulary);
    const one = { ...prompts, clean: prompts.clean.slice(0, 1), corrupted: prompts.corrupted.slice(0, 1) };
    const opened = await fvModel(model);
    const heads = headsOf(opened.info);
    // One of every layer: 12 passes, with the one over the prompt as it is and the clean one 14.
    const some = heads.filter(({ layer, head }) => layer === head);
    const pid = () => model.pid;
    const fast = new Contestant(pid, () => sweep(opened, prompts, FAST));
    const reference = new Contestant(pid, async () => {
      const means = await cleanMeans(opened, one.clean, REFERENCE);
      return sweepTrials(opened, one.corrupted, means, some, REFERENCE);
    });
    const repetitions = Math.min(context.repetitions, 3);
    const times = await interleave({ fast: fast.run, reference: reference.run }, { repetitions });
    const passes = (trials * (heads.length + 2)) / (some.length + 2);
    const scaled = (samples: Spread) => spread(samples.samples.map((took) => took * passes));
    const [work, full] = await Promise.all(
      [FAST, REFERENCE].map((options) => countedSweep(opened.info, prompts, options, 4)),
    );
    context.log(
      `12 layers of 12 heads of 64, ${trials} trials of ${length} tokens: arithmetic ${(full!.flops / work!.flops).toFixed(1)}x less, ` +
        `fast path at ${(work!.flops / 1e9 / times.fast.median).toFixed(0)} GFLOP/s, reference at ${(full!.flops / 1e9 / scaled(times.reference).median).toFixed(0)}`,
    );
    return ratio('head sweep with clean means, 12 layers of 12 heads', times.fast, scaled(times.reference), {
      against: `a forward pass a head and trial, same engine, from ${some.length + 2} of them`,
      cpu: [fast.cpuSeconds, reference.cpuSeconds * passes],
    });
  } finally {
    await model.close();
  }
}

/** How the time of the fast path grows, one size doubled at a time. */
export async function growth(context: BenchContext): Promise<void> {
  const shape: LlamaShape = {
    layers: 6,
    heads: 8,
    keyValueHeads: 4,
    headDim: 16,
    mlpWidth: 384,
    vocabulary: 5382,
  };
  const cases = [
    { what: '6 layers, 8 heads, 8 trials of 80 tokens', shape, trials: 8, length: 80 },
    {
      what: 'twice the heads, of half the size',
      shape: { ...shape, heads: 16, headDim: 8 },
      trials: 8,
      length: 80,
    },
    { what: 'twice the layers', shape: { ...shape, layers: 12 }, trials: 8, length: 80 },
    { what: 'twice the trials', shape, trials: 16, length: 80 },
    { what: 'prompts twice as long', shape, trials: 8, length: 160 },
  ];
  const measured: Measured[] = [];
  const models: ModelProcess[] = [];
  try {
    for (const { shape: sizes, trials, length } of cases) {
      const name = `llama-${sizes.layers}x${sizes.heads}`;
      const path = await dataset(context.scratch, name, (directory) => writeRandomLlama(directory, sizes));
      const process = new ModelProcess({
        path,
        provider: 'cpu',
        threads: context.threads,
        taps: { residual: [] },
      });
      models.push(process);
      const model = await fvModel(process);
      const prompts = randomPrompts(trials, length, sizes.vocabulary);
      measured.push(async () => {
        const contestant = new Contestant(
          () => process.pid,
          () => sweep(model, prompts, FAST),
        );
        await contestant.run();
        return contestant.cpu[0]!;
      });
    }
    const contestants = Object.fromEntries(cases.map(({ what }, i) => [what, measured[i]!]));
    const times = await interleave(contestants, context);
    const base = times[cases[0]!.what]!.median;
    const flops = await Promise.all(
      cases.map(async ({ shape: sizes, trials, length }) => {
        const prompts = randomPrompts(trials, length, sizes.vocabulary);
        return (await countedSweep(infoOf(sizes), prompts, FAST, 4)).flops;
      }),
    );
    for (const [i, { what }] of cases.entries()) {
      const cpu = times[what]!.median;
      context.log(
        `${what}: ${(1000 * cpu).toFixed(0)} CPU ms, ${(cpu / base).toFixed(2)}x; arithmetic ${(flops[i]! / flops[0]!).toFixed(2)}x`,
      );
    }
  } finally {
    for (const model of models) await model.close();
  }
}
