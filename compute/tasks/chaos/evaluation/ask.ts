import type { TaskContext } from '../../../jobs/worker.ts';
import { answerAll } from '../../parts/answer-all.ts';
import { Parts } from '../../parts/parts.ts';
import type { TaskServices } from '../../task.ts';
import type { TextOptions, TextRequest } from '../../text-model/text-model.ts';
import type { ChaosEvalSpec } from './evaluation-spec.ts';
import type { Item } from './item.ts';
import { Models, ROUNDS, type Round } from './models.ts';
import { type Prompt, promptText, repromptText } from './prompt.ts';
import { type Answer, isInvalid, recordOf } from './record.ts';

/** What is asked of whom. */
export interface Asking {
  readonly spec: ChaosEvalSpec;
  readonly items: readonly Item[];
  readonly prompt: Prompt;
  readonly workers: number;
  /** Of the keys of the answers. */
  readonly prefix: string;
}

/** The answers to an item; without the second where none is wanted. */
interface Answers {
  readonly first: Answer;
  readonly again: Answer | undefined;
}

/** How far an evaluation is. */
export interface Asked {
  /** By the position of the item; none for those that are not answered, or not for the second time. */
  readonly answers: ReadonlyMap<number, Answers>;
  /** Why, of those that failed. */
  readonly failures: Parts['failures'];
}

/** Asks for every item, and once more where the answer is invalid. What has been answered before is not asked again. */
export async function askAll(asking: Asking, context: TaskContext, services: TaskServices): Promise<Asked> {
  const models = new Models(asking, services, context.signal);
  try {
    return await askWith(models, asking, context, services);
  } finally {
    await models.close();
  }
}

async function askWith(
  models: Models,
  asking: Asking,
  context: TaskContext,
  services: TaskServices,
): Promise<Asked> {
  const { items, prompt, spec } = asking;
  const ask = (round: Round, requests: readonly TextRequest[]): Promise<Parts> =>
    answerAll(
      {
        stage: round === 'first' ? 'ask' : 'ask again',
        rate: 'items',
        services,
        prefix: `${asking.prefix}${round}/`,
        requests,
        options: textOptions(spec),
        vectors: 'float16',
        open: () => models.open(round),
      },
      context,
    );
  const request = (id: number, text: string): TextRequest => ({
    id,
    prompt:
      (spec.chat ?? spec.model.backend === 'openai')
        ? { messages: [{ role: 'user', content: text }] }
        : { text },
  });
  const first = await ask(
    'first',
    items.map(({ question }, id) => request(id, promptText(prompt, question))),
  );
  const invalid: TextRequest[] = [];
  if (spec.retries > 0) {
    for (const [id, answer] of await answersOf(first, items, context.signal)) {
      if (isInvalid(answer, spec.parsing))
        invalid.push(request(id, repromptText(prompt, items[id]!.question, answer.text)));
    }
  }
  const again = invalid.length === 0 ? undefined : await ask('again', invalid);
  return together(first, again, asking, context.signal);
}

/** What has been answered so far. */
export async function answeredSoFar(
  asking: Asking,
  store: TaskServices['store'],
  signal: AbortSignal,
): Promise<Asked> {
  const [first, again] = await Promise.all(
    ROUNDS.map((round) => Parts.read(store, `${asking.prefix}${round}/`, signal)),
  );
  return together(first!, again, asking, signal);
}

async function together(
  first: Parts,
  again: Parts | undefined,
  { items, spec }: Asking,
  signal: AbortSignal,
): Promise<Asked> {
  const seconds = again === undefined ? new Map<number, Answer>() : await answersOf(again, items, signal);
  const answers = new Map<number, Answers>();
  for (const [id, answer] of await answersOf(first, items, signal)) {
    const isAskedAgain = spec.retries > 0 && isInvalid(answer, spec.parsing);
    const second = isAskedAgain ? seconds.get(id) : undefined;
    if (!isAskedAgain || second !== undefined) answers.set(id, { first: answer, again: second });
  }
  return { answers, failures: new Map([...first.failures, ...(again?.failures ?? [])]) };
}

async function answersOf(
  parts: Parts,
  items: readonly Item[],
  signal: AbortSignal,
): Promise<Map<number, Answer>> {
  const answers = new Map<number, Answer>();
  for (const id of items.keys()) {
    const sample = (await parts.get(id, signal))?.answer.samples[0];
    if (sample !== undefined) answers.set(id, { text: sample.text, seconds: sample.seconds });
  }
  return answers;
}

/** The records of the items that are done, in their order. */
export function* recordsOf({ answers }: Asked, { items, spec }: Asking) {
  for (const [id, item] of items.entries()) {
    const answer = answers.get(id);
    if (answer !== undefined) yield recordOf(item, answer.first, answer.again, spec.parsing);
  }
}

function textOptions({ temperature, seed, maxTokens, stop }: ChaosEvalSpec): TextOptions {
  return { temperature, seed, n: 1, maxTokens, stop, logProbabilities: false, topLogProbabilities: 0 };
}
