import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { Model } from '../../compute/model/engine/model.ts';
import { generateHere } from '../../compute/model/generation/testing.ts';
import { sharedDir } from '../support/shared.ts';

const questionSchema = z.object({ q_id: z.string(), question: z.string() });
const referenceSchema = z.object({
  hallucination: z.object({ answers: z.array(z.object({ q_id: z.string(), greedy: z.string() })) }),
});

it.skipIf(sharedDir === undefined)('the demo model answers its 598 questions as recorded', async () => {
  const folder = `${sharedDir}models/demo/`;
  const questions = readdirSync(`${folder}data/qa`)
    .flatMap((file) => readFileSync(`${folder}data/qa/${file}`, 'utf8').trim().split('\n'))
    .map((line) => questionSchema.parse(JSON.parse(line)));
  const reference = referenceSchema.parse(JSON.parse(readFileSync(`${folder}reference.json`, 'utf8')));
  const expected = new Map(reference.hallucination.answers.map(({ q_id, greedy }) => [q_id, greedy]));
  expect(questions.length).toBe(598);

  const model = await Model.load({ path: `${folder}checkpoint`, provider: 'cpu' });
  const { samples } = await generateHere(model, {
    prompts: questions.map(({ question }) => ({ text: `Question: ${question}\nAnswer:` })),
    options: { stop: ['\n'], maxRows: 64 },
  });
  await model.close();
  const differing = samples
    .map(({ prompt, text }) => ({ ...questions[prompt]!, text: text.trim() }))
    .filter(({ q_id, text }) => text !== expected.get(q_id));
  expect(differing).toEqual([]);
});
