import { expect, it } from 'vitest';
import { Model, Tokenizer } from '../../compute/model/index.ts';
import { demoModel, demoReference } from '../support/demo-model.ts';
import { largestDifference } from '../support/tensors.ts';

it('the demo checkpoint gives the tokens and logits of its reference', async () => {
  const { logits: expected } = demoReference();
  expect(expected).toHaveLength(3);
  const tokenizer = await Tokenizer.load(`${demoModel}checkpoint`);
  const rows = expected.map(({ prompt }) => ({ tokens: tokenizer.encode(prompt) }));
  expect(rows.map(({ tokens }) => [...tokens])).toEqual(expected.map(({ token_ids }) => token_ids));
  const model = await Model.load({ path: `${demoModel}checkpoint`, provider: 'cpu', threads: 1 });
  const { logits } = await model.forward({ rows, capture: { logits: true } });
  await model.close();
  const wanted = Float32Array.from(expected.flatMap(({ last_token_logits }) => last_token_logits));
  const difference = largestDifference(logits!.data, wanted);
  // Of which up to 0.5e-4 is the rounding of the reference to four digits.
  expect(difference).toBeLessThan(1e-4);
});
