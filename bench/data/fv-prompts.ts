import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomFloats } from '../../compute/model/testing.ts';
import { Tokenizer } from '../../compute/model/tokenizer/tokenizer.ts';
import { readRelation } from '../../compute/tasks/fv/relation/relation.ts';
import { checkpointTokenizer } from '../../compute/tasks/fv/trials/checkpoint-tokenizer.ts';
import { cleanPrompt, corruptedPrompt, zeroShotPrompt } from '../../compute/tasks/fv/trials/prompts.ts';
import { sampleTrials } from '../../compute/tasks/fv/trials/sample.ts';
import { type PromptTokens, promptTokens } from '../../compute/tasks/fv/trials/targets.ts';
import { ROOT } from '../scratch.ts';

export const DEMO = join(ROOT, 'models', 'demo');
const RELATIONS = ['country_capital', 'antonym', 'english_french'];
const DEMOS = 9;

/** The prompts of an experiment. */
export interface Prompts {
  readonly clean: readonly (readonly number[])[];
  readonly corrupted: readonly PromptTokens[];
  readonly zeroShot: readonly PromptTokens[];
}

/** Trials of a relation of the demo model, with labels of others where they are corrupted. */
export async function demoPrompts(count: number): Promise<Prompts> {
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

/** Prompts of random tokens. */
export function randomPrompts(count: number, length: number, vocabulary: number): Prompts {
  const random = randomFloats(2 * count * length, 7);
  const token = (i: number) => 1 + Math.floor(((random[i]! + 1) / 2) * (vocabulary - 1));
  const all = Array.from({ length: 2 * count }, (_, p) =>
    Array.from({ length }, (_, i) => token(p * length + i)),
  );
  const corrupted = all.slice(count).map((tokens) => ({ tokens, target: tokens[0]! }));
  return { clean: all.slice(0, count), corrupted, zeroShot: [] };
}

/** Tokens of a corrupted prompt, on average. */
export function lengthOf({ corrupted }: Prompts): number {
  return Math.round(corrupted.reduce((sum, { tokens }) => sum + tokens.length, 0) / corrupted.length);
}
