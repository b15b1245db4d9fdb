import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError, InvalidArgumentError } from '../../../lake/errors.ts';
import { largestDifference } from '../../../test/support/tensors.ts';
import { compileScript } from '../../../test/support/ts-script.ts';
import { Model } from '../engine/model.ts';
import { ModelProcess } from '../engine/model-process.ts';
import { tinyLlamaConfig, tinyLlamaTensors, writeCheckpoint } from '../testing.ts';
import { BOS, EOS } from '../tokenizer/testing.ts';
import { generate } from './generate.ts';
import type { GenerationOptions, Prompt, SampleEvent } from './generation.ts';
import { generateHere, generateThere, writeByteModel } from './testing.ts';

let root: string;
let path: string;
let model: Model;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'runlake-generation-'));
  path = await writeByteModel(join(root, 'bytes'));
  model = await Model.load({ path, provider: 'cpu' });
});
afterAll(async () => {
  await model.close();
  await rm(root, { recursive: true });
});

const run = (prompts: readonly Prompt[], options: GenerationOptions = {}) =>
  generateHere(model, { prompts, options: { eosTokens: [], ...options } });
const texts = (samples: readonly SampleEvent[]) => samples.map(({ text }) => text);
const sampled = { temperature: 1.5, maxNewTokens: 12, seed: 3 };

/** Log-probabilities after every token of a sequence, by one pass over it. */
async function logitsOf(tokens: readonly number[]) {
  const { logits } = await model.forward({ rows: [{ tokens }], capture: { logits: true, read: 'all' } });
  const width = model.info.vocabulary;
  return tokens.map((_, at) => logits!.data.subarray(at * width, (at + 1) * width));
}

describe('what is generated', () => {
  it('is the most probable token after each, with its log-probability and those of others', async () => {
    const { samples, prompts, summary } = await run([{ text: 'hello' }, { text: 'a' }], {
      maxNewTokens: 5,
      topLogProbabilities: 3,
    });
    expect(prompts.map(({ tokens }) => [...tokens])).toEqual([
      [BOS, ...Buffer.from('hello')],
      [BOS, 97],
    ]);
    for (const [i, sample] of samples.entries()) {
      const start = prompts[i]!.tokens.length - 1;
      const logits = await logitsOf([...prompts[i]!.tokens, ...sample.tokens]);
      for (const [t, token] of sample.tokens.entries()) {
        const row = logits[start + t]!;
        const sum = Math.log(row.reduce((total, x) => total + Math.exp(x), 0));
        const best = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, 3);
        expect(token).toBe(best[0]);
        expect(sample.top![t]!.map((one) => one.token)).toEqual(best);
        for (const one of sample.top![t]!) {
          expect(one.logProbability).toBeCloseTo(row[one.token]! - sum, 4);
        }
        expect(sample.logProbabilities[t]).toBeCloseTo(row[token]! - sum, 4);
      }
    }
    expect(summary).toMatchObject({ samples: 2, refused: 0, promptTokens: 8, generatedTokens: 10 });
  });

  it('depends on seed, prompt and sample only: not on batch, order or company', async () => {
    const prompts = Array.from({ length: 9 }, (_, i) => ({ text: 'prompt '.repeat(1 + (i % 4)) + i }));
    const options = { ...sampled, n: 2 };
    const alone = await run(prompts, { ...options, maxRows: 1 });
    expect(new Set(texts(alone.samples)).size).toBe(18);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(
          prompts.map((_, i) => i),
          { minLength: 1 },
        ),
        fc.constantFrom(1, 2, 3, 8, 32),
        async (chosen, maxRows) => {
          const { samples } = await run(
            chosen.map((i) => prompts[i]!),
            { ...options, maxRows },
          );
          const expected = chosen.flatMap((i) => alone.samples.slice(2 * i, 2 * i + 2));
          expect(samples.map(({ tokens }) => [...tokens])).toEqual(expected.map(({ tokens }) => [...tokens]));
          for (const [i, sample] of samples.entries()) {
            expect(largestDifference(sample.logProbabilities, expected[i]!.logProbabilities)).toBeLessThan(
              1e-5,
            );
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  it('changes with the seed; the first samples do not change when more are asked for', async () => {
    const prompts = [{ text: 'x' }];
    const [three, two, other] = await Promise.all([
      run(prompts, { ...sampled, n: 3 }),
      run(prompts, { ...sampled, n: 2 }),
      run(prompts, { ...sampled, seed: 4 }),
    ]);
    expect(texts(three.samples).slice(0, 2)).toEqual(texts(two.samples));
    expect(new Set([...texts(three.samples), ...texts(other.samples)]).size).toBe(4);
  });

  it('of any number of samples in any number of rows, each prompt is read once', async () => {
    const { samples, prompts, summary } = await run([{ text: 'x' }, { text: 'yy' }], {
      ...sampled,
      n: 7,
      maxRows: 3,
    });
    expect(samples.map(({ prompt, sample }) => `${prompt}.${sample}`)).toEqual(
      [0, 1].flatMap((prompt) => [0, 1, 2, 3, 4, 5, 6].map((sample) => `${prompt}.${sample}`)),
    );
    expect(prompts.length).toBe(2);
    expect(summary.promptTokens).toBe(5);
  });
});

describe('where a response ends', () => {
  it('at an end-of-sequence token, which is no part of the text', async () => {
    const free = (await run([{ text: 'x' }], { maxNewTokens: 10 })).samples[0]!;
    const eos = free.tokens[4]!;
    const at = free.tokens.indexOf(eos);
    const { samples } = await run([{ text: 'x' }], { maxNewTokens: 10, eosTokens: [1000, eos] });
    expect(samples[0]).toMatchObject({ finish: 'eos', text: free.text.slice(0, samples[0]!.text.length) });
    expect([...samples[0]!.tokens]).toEqual([...free.tokens.slice(0, at + 1)]);
    expect(samples[0]!.logProbabilities.length).toBe(at + 1);
  });

  it('before a stop text, also one that several tokens spell', async () => {
    const prompts = Array.from({ length: 4 }, (_, i) => ({ text: `p${i}` }));
    const free = await run(prompts, { ...sampled, maxNewTokens: 20 });
    for (const [i, whole] of texts(free.samples).entries()) {
      const stop = whole.slice(5, 8);
      if ([...stop].some((one) => one === '\ufffd')) continue;
      const { samples } = await run(prompts, { ...sampled, maxNewTokens: 20, stop: ['never there', stop] });
      const sample = samples[i]!;
      expect(sample.finish).toBe('stop');
      expect(sample.text).toBe(whole.slice(0, whole.indexOf(stop)));
      expect([...free.samples[i]!.tokens].slice(0, sample.tokens.length)).toEqual([...sample.tokens]);
    }
  });

  it('at the end of the context', async () => {
    const { samples } = await run([{ text: 'x'.repeat(60) }], { maxNewTokens: 100 });
    expect(samples[0]).toMatchObject({ finish: 'length' });
    expect(samples[0]!.tokens.length).toBe(64 - 61);
  });
});

describe('prompts', () => {
  it('that cannot be generated from are refused, the others go on', async () => {
    const { refused, samples, summary } = await run(
      [
        { tokens: [] },
        { text: 'x'.repeat(63) },
        { tokens: [260] },
        { messages: [{ role: 'user', content: 'x' }] },
        { text: '' },
      ],
      { maxNewTokens: 2 },
    );
    expect(refused.map(({ prompt, message }) => [prompt, message])).toEqual([
      [0, 'the prompt has no tokens'],
      [1, 'the prompt has 64 tokens and leaves no room for a response'],
      [2, 'the prompt has the token 260'],
      [3, 'the model has no chat template'],
    ]);
    expect(refused[1]!.expected).toBe("less than 64, the model's context");
    expect(samples.map(({ prompt }) => prompt)).toEqual([4]);
    expect(summary).toMatchObject({ samples: 1, refused: 4 });
  });

  it('never begin with BOS twice', async () => {
    const { prompts } = await run([{ text: '<s>a' }, { tokens: [BOS, BOS] }], { maxNewTokens: 1 });
    expect(prompts.map(({ tokens }) => [...tokens])).toEqual([
      [BOS, 97],
      [BOS, BOS],
    ]);
  });

  it('may be conversations', async () => {
    const directory = await writeByteModel(join(root, 'chat'));
    await writeFile(
      join(directory, 'chat_template.jinja'),
      "{{ bos_token }}{{ messages[0]['role'] }}: {{ messages[0]['content'] }}{{ mood }}",
    );
    const chat = await Model.load({ path: directory, provider: 'cpu' });
    const { prompts } = await generateHere(chat, {
      prompts: [{ messages: [{ role: 'user', content: 'hi' }] }],
      options: { maxNewTokens: 1, templateVariables: { mood: '!' } },
    });
    expect([...prompts[0]!.tokens]).toEqual([BOS, ...Buffer.from('user: hi!')]);
    await chat.close();
  });

  it('over the memory allowed are refused with the sizes', async () => {
    const { refused, samples } = await run([{ text: 'x'.repeat(50) }, { text: 'x' }], {
      maxNewTokens: 1,
      memoryBytes: 200_000,
    });
    expect(refused).toMatchObject([{ prompt: 0, expected: 'at most 200000' }]);
    expect(samples.length).toBe(1);
  });
});

describe('vectors', () => {
  const capture = { layers: 'all', prompt: 'all', response: 'all' } as const;

  it('are those of one pass over prompt and response', async () => {
    const { prompts, samples } = await run([{ text: 'hello' }, { text: 'a' }], { maxNewTokens: 6, capture });
    const hidden = model.info.hidden;
    for (const [i, sample] of samples.entries()) {
      const prompt = prompts[i]!;
      const tokens = [...prompt.tokens, ...sample.tokens];
      const whole = await model.forward({
        rows: [{ tokens }],
        capture: { residual: [0, 1], final: true, positions: 'all' },
      });
      const layers = [whole.residual.get(0)!, whole.residual.get(1)!, whole.final!];
      const start = prompt.tokens.length * hidden;
      const promptPart = layers.flatMap(({ data }) => [...data.subarray(0, start)]);
      const responsePart = layers.flatMap(({ data }) => [...data.subarray(start)]);
      expect(prompt.vectors).toMatchObject({ layers: [0, 1, 2], hidden, tokens: [...prompt.tokens.keys()] });
      expect(sample.vectors!.tokens).toEqual([...sample.tokens.keys()]);
      expect(largestDifference(prompt.vectors!.data, promptPart)).toBeLessThan(1e-5);
      expect(largestDifference(sample.vectors!.data, responsePart)).toBeLessThan(1e-5);
    }
  });

  it('last and mean are of the text: what a stop text or end-of-sequence adds does not count', async () => {
    const text = (await run([{ text: 'q' }], { ...sampled, maxNewTokens: 20 })).samples[0]!.text;
    const stop = text.slice(6, 9);
    const options = { ...sampled, maxNewTokens: 20, stop: [stop] };
    const [all, last, mean] = await Promise.all(
      (['all', 'last', 'mean'] as const).map(async (response) => {
        const { samples } = await run([{ text: 'q' }], {
          ...options,
          capture: { layers: [1, 2], lastLayer: 'residual', prompt: response, response },
        });
        return samples[0]!;
      }),
    );
    expect(all!.finish).toBe('stop');
    const { tokens, data, hidden } = all!.vectors!;
    const count = tokens.length;
    expect(count).toBeLessThan(all!.tokens.length);
    expect(last!.vectors!.tokens).toEqual([count - 1]);
    expect(mean!.vectors!.tokens).toEqual([]);
    const at = (layer: number, token: number) =>
      data.subarray((layer * count + token) * hidden, (layer * count + token + 1) * hidden);
    for (const layer of [0, 1]) {
      const part = (one: Float32Array) => one.subarray(layer * hidden, (layer + 1) * hidden);
      expect(largestDifference(part(last!.vectors!.data), at(layer, count - 1))).toBeLessThan(1e-6);
      const expected = Float32Array.from({ length: hidden }, (_, i) => {
        const values = tokens.map((token) => at(layer, token)[i]!);
        return values.reduce((sum, value) => sum + value, 0) / count;
      });
      expect(largestDifference(part(mean!.vectors!.data), expected)).toBeLessThan(1e-5);
    }
  });

  it('of the answer are those of the tokens that spell it', async () => {
    const free = (await run([{ text: 'q' }], { ...sampled, maxNewTokens: 16 })).samples[0]!;
    const answer = free.text.slice(4, 7);
    const { samples } = await run([{ text: 'q', answers: ['', 'absent', answer.toUpperCase(), answer] }], {
      ...sampled,
      maxNewTokens: 16,
      capture: { layers: [2], response: 'answer' },
    });
    const { answer: found, vectors, text, tokens } = samples[0]!;
    expect(text.slice(found!.start, found!.end).toLowerCase()).toBe(answer.toLowerCase());
    expect(vectors!.tokens.length).toBeGreaterThan(0);
    const spelled = Buffer.from(vectors!.tokens.map((token) => tokens[token]!)).toString();
    if (!answer.includes('\ufffd')) expect(spelled.toLowerCase()).toContain(answer.toLowerCase());
    const none = await run([{ text: 'q', answers: ['absent'] }], {
      capture: { layers: [2], response: 'answer' },
    });
    expect(none.samples[0]).toMatchObject({
      answer: undefined,
      vectors: { tokens: [], data: new Float32Array(0) },
    });
  });

  it('of a response that ends at once are none', async () => {
    const first = (await run([{ text: 'x' }], { maxNewTokens: 1 })).samples[0]!.tokens[0]!;
    const { samples } = await run([{ text: 'x' }], {
      eosTokens: [first],
      capture: { layers: 'all', response: 'mean' },
    });
    expect(samples[0]).toMatchObject({
      text: '',
      finish: 'eos',
      vectors: { tokens: [], data: new Float32Array(0) },
    });
  });
});

it('logits that are no numbers are an error, not a text', async () => {
  const directory = await writeByteModel(join(root, 'broken'));
  const tensors = tinyLlamaTensors();
  const embedding = new Float32Array(260 * 8).fill(Number.NaN);
  await writeCheckpoint(
    directory,
    { ...tinyLlamaConfig, vocab_size: 260 },
    {
      ...tensors,
      'model.embed_tokens.weight': {
        type: 'F32',
        shape: [260, 8],
        bytes: new Uint8Array(embedding.buffer),
      },
    },
  );
  const broken = await Model.load({ path: directory, provider: 'cpu' });
  const failing = generateHere(broken, { prompts: [{ text: 'x' }], options: {} });
  await expect(failing).rejects.toThrow(/logits whose sum is NaN/);
  await broken.close();
});

describe('options', () => {
  it('left out are those of generation_config.json; what is not applied is named', async () => {
    const directory = await writeByteModel(join(root, 'configured'));
    const config = {
      do_sample: true,
      temperature: 0.7,
      top_p: 0.8,
      top_k: 20,
      eos_token_id: [EOS, 5],
      repetition_penalty: 1.05,
      num_beams: 1,
    };
    await writeFile(join(directory, 'generation_config.json'), JSON.stringify(config));
    const configured = await Model.load({ path: directory, provider: 'cpu' });
    const { summary } = await generateHere(configured, { prompts: [], options: { topP: 0.9, seed: 5 } });
    expect(summary.options).toEqual({
      temperature: 0.7,
      topP: 0.9,
      topK: 20,
      seed: 5,
      n: 1,
      maxNewTokens: 20,
      stop: [],
      eosTokens: [EOS, 5],
      topLogProbabilities: 0,
      capture: undefined,
      ignored: ['repetition_penalty'],
    });
    await configured.close();
    expect((await generateHere(model, { prompts: [], options: {} })).summary.options).toMatchObject({
      temperature: 0,
      eosTokens: [EOS],
    });
  });

  it.each<[string, GenerationOptions]>([
    ['temperature', { temperature: -1 }],
    ['topP', { topP: 0 }],
    ['topK', { topK: 1.5 }],
    ['stop', { stop: [''] }],
    ['maxRows', { maxRows: 0 }],
    ['no layer 3', { capture: { layers: [3] } }],
    ['named twice', { capture: { layers: [1, 1] } }],
    ['no layers', { capture: { layers: [] } }],
  ])('without meaning are refused: %s', async (message, options) => {
    const failing = run([], options);
    await expect(failing).rejects.toThrow(InvalidArgumentError);
    await expect(failing).rejects.toThrow(message);
  });
});

describe("generation in the model's process", () => {
  it('tells the same, its progress, and stops when cancelled or when its reader fails', async () => {
    const script = await compileScript(new URL('../engine/host.ts', import.meta.url));
    const there = new ModelProcess({ path, provider: 'cpu', script });
    try {
      const prompts = Array.from({ length: 5 }, (_, i) => ({ text: `p${i}` }));
      const options = { ...sampled, eosTokens: [], capture: { layers: [1], response: 'mean' } } as const;
      const here = await run(prompts, options);
      const { samples, summary } = await generateThere(there, { prompts, options });
      expect(samples.map(({ seconds: _, ...one }) => one)).toEqual(
        here.samples.map(({ seconds: _, ...one }) => one),
      );
      expect(summary.options).toEqual(here.summary.options);

      const abort = new AbortController();
      const many = Array.from({ length: 10_000 }, (_, i) => ({ text: `p${i}` }));
      let seen = 0;
      const call = generate(
        there,
        { prompts: many, options },
        {
          sample: () => {
            if (++seen === 3) abort.abort();
          },
          refused: () => undefined,
        },
        abort.signal,
      );
      await expect(call).rejects.toThrow(CancelledError);
      const { pid } = there;
      const failure = new Error('disk full');
      const failing = generate(
        there,
        { prompts: many, options },
        {
          sample: () => {
            throw failure;
          },
          refused: () => undefined,
        },
      );
      await expect(failing).rejects.toBe(failure);
      await there.info();
      expect(there.pid).toBe(pid);
    } finally {
      await there.close();
    }
  });
});
