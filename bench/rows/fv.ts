import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ModelInfo, ModelProcess } from '../../compute/model/index.ts';
import { randomFloats } from '../../compute/model/testing.ts';
import { Tokenizer } from '../../compute/model/tokenizer/tokenizer.ts';
import { readRelation } from '../../compute/tasks/fv/relation/relation.ts';
import { cleanMeans } from '../../compute/tasks/fv/sweep/clean-means.ts';
import { headsOf, sweepTrials } from '../../compute/tasks/fv/sweep/head-sweep.ts';
import {
  type FvModel,
  fvModel,
  type RunOptions,
  type TrialSweep,
} from '../../compute/tasks/fv/sweep/readings.ts';
import { checkpointTokenizer } from '../../compute/tasks/fv/trials/checkpoint-tokenizer.ts';
import { cleanPrompt, corruptedPrompt, zeroShotPrompt } from '../../compute/tasks/fv/trials/prompts.ts';
import { sampleTrials } from '../../compute/tasks/fv/trials/sample.ts';
import { type PromptTokens, promptTokens } from '../../compute/tasks/fv/trials/targets.ts';
import { inject } from '../../compute/tasks/fv/vectors/inject.ts';
import { CountingModel, type Work } from '../data/counting-model.ts';
import { type LlamaShape, writeRandomLlama } from '../data/random-llama.ts';
import { interleave, type Measured, type Spread, spread } from '../measure.ts';
import { cpuSecondsOf, PythonWorker } from '../processes.ts';
import { dataset, pythonScript, ROOT } from '../scratch.ts';
import type { Bench, BenchContext, Outcome } from '../types.ts';

const DEMO = join(ROOT, 'models', 'demo');
const RELATIONS = ['country_capital', 'antonym', 'english_french'];
const DEMOS = 9;
const MEMORY = 2 ** 30;
const FAST: RunOptions = { limits: { memoryBytes: MEMORY } };
const REFERENCE: RunOptions = { ...FAST, reference: true };
/** Differences of effects that the order of float32 sums explains. */
const TOLERANCE = 5e-6;

const loaded = z.object({ seconds: z.number() });
const multiplied = z.object({ gflops: z.number() });
const swept = z.object({
  seconds: z.number(),
  cpuSeconds: z.number(),
  base: z.array(z.number()),
  patched: z.array(z.array(z.number())),
});

/** The prompts of an experiment. */
interface Prompts {
  readonly clean: readonly (readonly number[])[];
  readonly corrupted: readonly PromptTokens[];
  readonly zeroShot: readonly PromptTokens[];
}

/** Head sweep and injection on the fast path against one forward pass a reading, here and in PyTorch. */
export const fv: Bench = {
  name: 'fv',
  doc: 'head sweep and injection against one forward pass a head and trial, in this engine and in PyTorch with hooks',
  async run(context) {
    const trials = context.quick ? 3 : 25;
    const prompts = await demoPrompts(trials);
    const outcomes = await demo(prompts, context);
    outcomes.push(await counted(prompts, context));
    outcomes.push(await larger(context));
    await growth(context);
    return outcomes;
  },
};

async function demoPrompts(count: number): Promise<Prompts> {
  const tables = RELATIONS.map((name) => readFile(join(DEMO, 'data', 'relations', `${name}.csv`), 'utf8'));
  const lines = (await Promise.all(tables)).flatMap((text, i) =>
    text
      .trim()
      .split('\n')
      .slice(i === 0 ? 0 : 1),
  );
  const relation = await readRelation([Buffer.from(lines.join('\n'))], { columns: { query: 'relation' } });
  const tokenizer = checkpointTokenizer(await Tokenizer.load(join(DEMO, 'checkpoint')), true);
  const trials = sampleTrials(relation, RELATIONS.slice(0, 1), {
    seed: 0,
    trials: count,
    demos: DEMOS,
    corruption: 'mixed',
  });
  return {
    clean: trials.map((trial) => tokenizer.encode(cleanPrompt(trial))),
    corrupted: trials.map((trial) => promptTokens(tokenizer, corruptedPrompt(trial), trial.query.output)),
    zeroShot: trials.map(({ query }) => promptTokens(tokenizer, zeroShotPrompt(query.input), query.output)),
  };
}

/** Seconds and CPU seconds of what is done with a model's process, each with what came out of it. */
class Contestant<T> {
  readonly cpu: number[] = [];
  result: T | undefined;
  readonly run: Measured;

  constructor(pid: () => number | undefined, work: () => Promise<T>) {
    this.run = async () => {
      const total = async () => (await cpuSecondsOf(pid())) + (await cpuSecondsOf(process.pid));
      const [started, cpu] = [performance.now(), await total()];
      this.result = await work();
      const took = (performance.now() - started) / 1000;
      this.cpu.push((await total()) - cpu);
      return took;
    };
  }

  /** The median, without the warm-up. */
  get cpuSeconds(): number {
    return spread(this.cpu.slice(1)).median;
  }
}

async function sweep(
  model: FvModel,
  { clean, corrupted }: Prompts,
  options: RunOptions,
): Promise<TrialSweep[]> {
  const means = await cleanMeans(model, clean, options);
  return sweepTrials(model, corrupted, means, headsOf(model.info), options);
}

async function demo(prompts: Prompts, context: BenchContext): Promise<Outcome[]> {
  const path = join(DEMO, 'checkpoint');
  const process = new ModelProcess({
    path,
    provider: 'cpu',
    threads: context.threads,
    taps: { residual: [] },
  });
  const script = new PythonWorker(pythonScript('fv_sweep.py'), [path, String(context.threads)]);
  try {
    const model = await fvModel(process);
    loaded.parse(await script.answer());
    const { gflops } = multiplied.parse(await script.ask({ gemm: 1024 }));
    const heads = headsOf(model.info);
    const pid = () => process.pid;
    const fast = new Contestant(pid, () => sweep(model, prompts, FAST));
    const reference = new Contestant(pid, () => sweep(model, prompts, REFERENCE));
    const request = {
      clean: prompts.clean,
      corrupted: prompts.corrupted.map(({ tokens }) => tokens),
      targets: prompts.corrupted.map(({ target }) => target),
      heads: heads.map(({ layer, head }) => [layer, head]),
    };
    let torch: z.infer<typeof swept> | undefined;
    const torchCpu: number[] = [];
    const times = await interleave(
      {
        fast: fast.run,
        reference: reference.run,
        torch: async () => {
          torch = swept.parse(await script.ask(request));
          torchCpu.push(torch.cpuSeconds);
          return torch.seconds;
        },
      },
      context,
    );
    const effects = (sweeps: readonly TrialSweep[]) =>
      sweeps.flatMap(({ base, patched }) => patched.map(({ p }) => p - base.p));
    const own = effects(fast.result!);
    const theirs = torch!.patched.flatMap((values, trial) => values.map((p) => p - torch!.base[trial]!));
    const differences = [largestDifference(own, effects(reference.result!)), largestDifference(own, theirs)];
    const [work, full] = await Promise.all(
      [FAST, REFERENCE].map((options) => countedSweep(model.info, prompts, options, 4)),
    );
    context.log(
      `${heads.length} heads, ${prompts.clean.length} trials of ${lengthOf(prompts)} tokens; largest effect ${Math.max(...own.map(Math.abs)).toPrecision(3)}, ` +
        `largest difference to the reference algorithm ${differences[0]!.toExponential(1)}, to PyTorch ${differences[1]!.toExponential(1)}`,
    );
    context.log(
      `arithmetic ${(full!.flops / work!.flops).toFixed(1)}x less: ${(work!.flops / 1e9).toFixed(1)} of ${(full!.flops / 1e9).toFixed(1)} GFLOP; ` +
        `fast path at ${(work!.flops / 1e9 / times.fast.median).toFixed(0)} GFLOP/s, reference at ${(full!.flops / 1e9 / times.reference.median).toFixed(0)}, ` +
        `PyTorch at ${(full!.flops / 1e9 / times.torch.median).toFixed(0)}, a product of 1024 x 1024 at ${gflops.toFixed(0)}`,
    );
    if (Math.max(...differences) > TOLERANCE)
      throw new Error(`effects differ by ${Math.max(...differences)}`);

    const vector = Float32Array.from({ length: model.info.hidden }, (_, i) => Math.sin(i));
    const layers = Array.from({ length: model.info.layers }, (_, layer) => layer);
    const injectWith = (options: RunOptions) => () =>
      inject(model, prompts.zeroShot, layers, [() => vector], 1, options);
    const injected = {
      fast: new Contestant(pid, injectWith(FAST)),
      reference: new Contestant(pid, injectWith(REFERENCE)),
    };
    const injections = await interleave(
      { fast: injected.fast.run, reference: injected.reference.run },
      context,
    );
    const drift = largestDifference(effects(injected.fast.result!), effects(injected.reference.result!));
    if (drift > TOLERANCE) throw new Error(`injections differ by ${drift}`);
    const torchSeconds = spread(torchCpu.slice(1)).median;
    return [
      ratio('head sweep with clean means, demo model', times.fast, times.reference, {
        against: 'a forward pass a head and trial, same engine',
        cpu: [fast.cpuSeconds, reference.cpuSeconds],
        target: 20,
      }),
      ratio('head sweep with clean means, demo model', times.fast, times.torch, {
        against: 'PyTorch with hooks',
        cpu: [fast.cpuSeconds, torchSeconds],
        target: 20,
      }),
      ratio('injection after every layer, demo model', injections.fast, injections.reference, {
        against: 'a forward pass a layer and example, same engine',
        cpu: [injected.fast.cpuSeconds, injected.reference.cpuSeconds],
      }),
    ];
  } finally {
    script.close();
    await process.close();
  }
}

interface Comparison {
  readonly against: string;
  /** CPU seconds of both. */
  readonly cpu: readonly [ours: number, reference: number];
  readonly target?: number;
}

function ratio(what: string, ours: Spread, reference: Spread, { against, cpu, target }: Comparison): Outcome {
  return {
    what,
    unit: 's',
    ours,
    reference,
    against,
    value: reference.median / ours.median,
    note: `${cpu[0].toFixed(2)} against ${cpu[1].toFixed(2)} CPU seconds, ${(cpu[1] / cpu[0]).toFixed(1)}x`,
    ...(target === undefined ? {} : { target: { relation: '>=', value: target } }),
  };
}

function largestDifference(some: readonly number[], others: readonly number[]): number {
  if (some.length !== others.length) throw new Error(`${some.length} effects and ${others.length}`);
  return some.reduce((largest, value, i) => Math.max(largest, Math.abs(value - others[i]!)), 0);
}

function lengthOf({ corrupted }: Prompts): number {
  return Math.round(corrupted.reduce((sum, { tokens }) => sum + tokens.length, 0) / corrupted.length);
}

/** What a sweep asks of a model of these sizes. @param bytes of a weight */
async function countedSweep(
  info: ModelInfo,
  prompts: Prompts,
  options: RunOptions,
  bytes: number,
): Promise<Work> {
  const model = new CountingModel(info);
  await sweep(model, prompts, options);
  return model.work(bytes);
}

function infoOf({ layers, heads, keyValueHeads, headDim, mlpWidth, vocabulary }: LlamaShape): ModelInfo {
  return {
    modelType: 'llama',
    provider: 'cpu',
    compute: 'float32',
    graphVersion: 0,
    layers,
    heads,
    keyValueHeads,
    headDim,
    hidden: heads * headDim,
    mlpWidth,
    vocabulary,
    contextLength: 131_072,
    taps: { residual: [], heads: Array.from({ length: layers }, (_, layer) => layer) },
  };
}

const LLAMA_8B: LlamaShape = {
  layers: 32,
  heads: 32,
  keyValueHeads: 8,
  headDim: 128,
  mlpWidth: 14_336,
  vocabulary: 128_256,
};

/** What the sweep of one relation query would do at the size of Llama-3.1-8B. */
async function counted(prompts: Prompts, { log }: BenchContext): Promise<Outcome> {
  const bytes = 2;
  const repeated = <T>(some: readonly T[]) => Array.from({ length: 25 }, (_, i) => some[i % some.length]!);
  const trials = { ...prompts, clean: repeated(prompts.clean), corrupted: repeated(prompts.corrupted) };
  const options = { limits: { memoryBytes: 2 ** 33 } };
  const info = infoOf(LLAMA_8B);
  const fast = await countedSweep(info, trials, options, bytes);
  const reference = await countedSweep(info, trials, { ...options, reference: true }, bytes);
  const line = (name: string, { layerTokens, logits, runs, flops, weightBytes }: Work) =>
    log(
      `Llama-3.1-8B, 25 trials of ${lengthOf(trials)} tokens, ${name}: ${(layerTokens / 1e6).toFixed(3)} M layer-tokens, ${logits} logits, ` +
        `${(flops / 1e15).toFixed(3)} PFLOP, ${runs} runs that read ${(weightBytes / 1e12).toFixed(2)} TB of weights`,
    );
  line('fast path', fast);
  line('a forward pass a head and trial', reference);
  return {
    what: 'arithmetic of a head sweep with clean means, Llama-3.1-8B, counted',
    unit: 'PFLOP',
    ours: spread([fast.flops / 1e15]),
    reference: spread([reference.flops / 1e15]),
    against: 'a forward pass a head and trial',
    value: reference.flops / fast.flops,
    target: { relation: '>=', value: 100 },
    note: `${(reference.layerTokens / fast.layerTokens).toFixed(0)}x fewer layer-tokens, ${(reference.weightBytes / fast.weightBytes).toFixed(0)}x fewer bytes of weights read`,
  };
}

const LARGER: LlamaShape = {
  layers: 12,
  heads: 12,
  keyValueHeads: 4,
  headDim: 64,
  mlpWidth: 2048,
  vocabulary: 32_000,
};

function randomPrompts(count: number, length: number, vocabulary: number): Prompts {
  const random = randomFloats(2 * count * length, 7);
  const token = (i: number) => 1 + Math.floor(((random[i]! + 1) / 2) * (vocabulary - 1));
  const all = Array.from({ length: 2 * count }, (_, p) =>
    Array.from({ length }, (_, i) => token(p * length + i)),
  );
  const corrupted = all.slice(count).map((tokens) => ({ tokens, target: tokens[0]! }));
  return { clean: all.slice(0, count), corrupted, zeroShot: [] };
}

/** A random checkpoint of 100 M parameters. The reference algorithm is measured on some of its passes, which are alike. */
async function larger(context: BenchContext): Promise<Outcome> {
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
async function growth(context: BenchContext): Promise<void> {
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
