import { join } from 'node:path';
import { z } from 'zod';
import { ModelProcess } from '../../compute/model/index.ts';
import { headsOf } from '../../compute/tasks/fv/sweep/head-sweep.ts';
import { fvModel, type RunOptions, type TrialSweep } from '../../compute/tasks/fv/sweep/readings.ts';
import { inject } from '../../compute/tasks/fv/vectors/inject.ts';
import { Contestant, ratio } from '../contestant.ts';
import type { Work } from '../data/counting-model.ts';
import { DEMO, demoPrompts, lengthOf, type Prompts } from '../data/fv-prompts.ts';
import { countedSweep, FAST, infoOf, REFERENCE, sweep } from '../data/fv-work.ts';
import type { LlamaShape } from '../data/random-llama.ts';
import { interleave, spread } from '../measure.ts';
import { PythonWorker } from '../processes.ts';
import { pythonScript } from '../scratch.ts';
import type { Bench, BenchContext, Outcome } from '../types.ts';
import { growth, larger } from './fv-sizes.ts';

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

function largestDifference(some: readonly number[], others: readonly number[]): number {
  if (some.length !== others.length) throw new Error(`${some.length} effects and ${others.length}`);
  return some.reduce((largest, value, i) => Math.max(largest, Math.abs(value - others[i]!)), 0);
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
