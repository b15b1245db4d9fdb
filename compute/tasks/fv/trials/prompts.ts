import type { Pair } from '../relation/relation.ts';
import type { Trial } from './sample.ts';

/** `Q: x\nA:`, the prompt without demonstrations. It ends without a space: that belongs to the answer's token. */
export function zeroShotPrompt(input: string): string {
  return `Q: ${input}\nA:`;
}

/** The text that continues a prompt: one space and the answer. */
export function answerText(output: string): string {
  return ` ${output}`;
}

function demonstration({ input, output }: Pair): string {
  return `${zeroShotPrompt(input)}${answerText(output)}\n\n`;
}

/** The demonstrations with their right outputs, then the query. */
export function cleanPrompt({ demos, query }: Trial): string {
  return demos.map(demonstration).join('') + zeroShotPrompt(query.input);
}

/** The demonstrations with the outputs that the trial shuffled among them. */
export function corruptedDemos({ demos, corrupted }: Trial): Pair[] {
  return demos.map(({ input }, i) => ({ input, output: corrupted[i]! }));
}

/** The demonstrations with shuffled outputs, then the query. */
export function corruptedPrompt(trial: Trial): string {
  return corruptedDemos(trial).map(demonstration).join('') + zeroShotPrompt(trial.query.input);
}

/** A prompt of one-letter words: the reference implementation counts positions in it ("slots"). */
export function slotPrompt(demos: number): string {
  return demonstration({ input: 'a', output: 'a' }).repeat(demos) + zeroShotPrompt('a');
}
