import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelProcess } from '../../compute/model/engine/model-process.ts';
import { generate } from '../../compute/model/generation/generate.ts';
import { randomFloats } from '../../compute/model/testing.ts';
import { writeTokenizer } from '../../compute/model/tokenizer/testing.ts';
import { interleave, seconds, spread } from '../measure.ts';
import { execute, PythonWorker, peakMemory } from '../processes.ts';
import { dataset, pythonScript } from '../scratch.ts';
import type { Bench, BenchContext, Outcome } from '../types.ts';

const VOCABULARY = 32_000;
const BATCH = 8;
const script = pythonScript('generate_states.py');

const made = z.object({ parameters: z.int() });
const loaded = z.object({ seconds: z.number() });
const answered = z.object({ seconds: z.number(), tokens: z.int(), residentBytes: z.number() });

interface Work {
  readonly what: string;
  readonly prompts: readonly (readonly number[])[];
  readonly newTokens: number;
  /** Tokens that end a response; when there are some, tokens are sampled. */
  readonly eos: readonly number[];
  readonly target?: number;
}

/** Generation with the residual stream of every layer, of prompts and responses, against transformers. */
export const inferenceCapture: Bench = {
  name: 'inference-capture',
  doc: 'tokens/s with the residual stream of all layers at batch 8, against transformers with output_hidden_states',
  async run(context) {
    const path = await dataset(context.scratch, 'llama-100m', async (directory) => {
      const { stdout } = await execute('python3', [script, directory, 'make']);
      await writeFile(join(directory, 'parameters.json'), stdout);
      await writeTokenizer(directory);
    });
    const { parameters } = made.parse(JSON.parse(await readFile(join(path, 'parameters.json'), 'utf8')));
    const model = new ModelProcess({ path, provider: 'cpu', threads: context.threads, taps: { heads: [] } });
    const loading = await seconds(() => model.info());
    const loadedBytes = await peakMemory(model.pid ?? 0);
    const reference = new PythonWorker(script, [path, 'serve', String(context.threads)]);
    try {
      const referenceLoading = loaded.parse(await reference.answer()).seconds;
      context.log(`${(parameters / 1e6).toFixed(0)} M parameters`);
      const outcomes: Outcome[] = [];
      let peak = 0;
      for (const work of works(context)) {
        const { outcome, residentBytes } = await compare(work, model, reference, context);
        outcomes.push(outcome);
        peak = residentBytes;
      }
      const bytes = await peakMemory(model.pid ?? 0);
      outcomes.push(
        {
          what: 'loading the model',
          unit: 's',
          ours: spread([loading]),
          reference: spread([referenceLoading]),
          against: 'from_pretrained, without imports',
          value: loading / referenceLoading,
          note: 'ours with the start of the process',
        },
        {
          what: 'memory at most, loaded and working',
          unit: 'bytes a parameter',
          ours: spread([bytes / parameters]),
          reference: spread([peak / parameters]),
          against: 'transformers',
          value: bytes / peak,
          note: `${mebibytes(bytes)}, ${mebibytes(loadedBytes)} of them at most while loading; the weights in float32 are ${mebibytes(4 * parameters)}`,
        },
      );
      return outcomes;
    } finally {
      reference.close();
      await model.close();
    }
  },
};

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function works({ quick }: BenchContext): Work[] {
  const count = quick ? 8 : 16;
  const random = randomFloats(100 * count, 5);
  const token = (i: number) => 1 + Math.floor(((random[i]! + 1) / 2) * (VOCABULARY - 1));
  const prompts = Array.from(
    { length: count },
    (_, p) => Array.from({ length: 16 + ((p * 7) % 32) }, (_, i) => token(100 * p + i)),
    // In batches of like length, as one would arrange them for transformers.
  ).sort((a, b) => b.length - a.length);
  const eos = Array.from({ length: VOCABULARY / 20 }, (_, i) => 20 * i);
  return [
    { what: 'responses of equal length', prompts, newTokens: quick ? 16 : 64, eos: [], target: 1.5 },
    { what: 'responses of 1 to 64 tokens, 20 on average', prompts, newTokens: 64, eos },
  ];
}

async function compare(
  work: Work,
  model: ModelProcess,
  reference: PythonWorker,
  context: BenchContext,
): Promise<{ outcome: Outcome; residentBytes: number }> {
  const { what, prompts, newTokens, eos, target } = work;
  let residentBytes = 0;
  let seed = 0;
  // Seconds a token: how many there are is chance where tokens are sampled.
  const times = await interleave(
    {
      ours: async () => {
        let tokens = 0;
        const took = await seconds(async () => {
          const summary = await generate(
            model,
            {
              prompts: prompts.map((one) => ({ tokens: one })),
              options: {
                temperature: eos.length > 0 ? 1 : 0,
                seed: seed++,
                maxNewTokens: newTokens,
                eosTokens: eos,
                maxRows: BATCH,
                capture: { layers: 'all', prompt: 'all', response: 'all' },
              },
            },
            { sample: () => undefined, refused: () => undefined },
          );
          tokens = summary.generatedTokens;
        });
        return took / tokens;
      },
      transformers: async () => {
        const answer = answered.parse(await reference.ask({ prompts, newTokens, eos }));
        residentBytes = answer.residentBytes;
        return answer.seconds / answer.tokens;
      },
    },
    { repetitions: context.repetitions },
  );
  const rate = ({ samples }: { readonly samples: readonly number[] }) =>
    spread(samples.map((one) => 1 / one));
  const outcome: Outcome = {
    what: `generation with capture, ${what}`,
    unit: 'tokens/s',
    ours: rate(times.ours),
    reference: rate(times.transformers),
    against: 'transformers',
    value: times.transformers.median / times.ours.median,
    ...(target === undefined ? {} : { target: { relation: '>=', value: target } }),
  };
  return { outcome, residentBytes };
}
