import { PROMPT_HASHES, promptHash } from '../../../../ingest/families/chaosbench/policy/index.ts';
import { PermanentTaskError } from '../../../jobs/worker.ts';
import { namedTexts } from './python-strings.ts';

/** Where the benchmark's project keeps the texts of its prompts. */
export const PROMPTS_FILE = 'chaosbench/eval/prompts.py';

/** The texts that items are asked with. */
export interface Prompt {
  /** `prompt_version`. */
  readonly version: string;
  /** `prompt_hash`. */
  readonly hash: string;
  readonly system: string;
  /** Has `{question}` where the item's question goes. */
  readonly template: string;
  /** What is asked after an answer that is none. */
  readonly reprompt: string;
}

const QUESTION = '{question}';
/** More texts than a file of prompts has: every pair of them is hashed. */
const MAX_TEXTS = 500;
/** So much of an answer is shown to the model again. */
const QUOTED = 200;

const PLAIN = 'plain';
const REPROMPT = 'That is neither of the two answers. Reply with a single word: TRUE or FALSE.';

/** Instructions of our own, by variant. Those of the benchmark come with its project. */
const PLAIN_SYSTEM =
  'Decide whether the answer to the question is yes or no. Reply with a single word: TRUE for yes, FALSE for no.';
const OWN: ReadonlyMap<string, string> = new Map([
  [PLAIN, PLAIN_SYSTEM],
  ['compact', 'Reply TRUE or FALSE.'],
  [
    'reasoned',
    'Think the question through step by step. Then end with a line of its own that says FINAL_ANSWER: TRUE or FINAL_ANSWER: FALSE.',
  ],
]);

/** Variants that can be named: the benchmark's, whose hashes the policy knows, and ours. */
export const VARIANTS: readonly string[] = [...Object.keys(PROMPT_HASHES), ...OWN.keys()];

/** What a specification says of the prompt. */
export interface PromptWish {
  readonly variant?: string | undefined;
  readonly system?: string | undefined;
  readonly template?: string | undefined;
  readonly reprompt?: string | undefined;
}

type PromptHashes = Readonly<Record<string, string>>;

/** The hash of texts that a wish has; undefined when it has none. */
export function hashOfWish({ system, template }: PromptWish): string | undefined {
  if (system === undefined && template === undefined) return undefined;
  return promptHash(system ?? '', template ?? QUESTION);
}

/** The known variant with a hash. */
function variantOf(hash: string, hashes: PromptHashes): string | undefined {
  return Object.keys(hashes).find((name) => hashes[name] === hash);
}

/**
 * The prompt that is wished for: its texts, a variant of ours, or one of the benchmark, whose texts are read from its project.
 * Without a wish it is the benchmark's `v1` where the project has it, else `plain`.
 * @param source of the project's `PROMPTS_FILE`; undefined where there is none
 * @param hashes of the benchmark's variants
 * @throws PermanentTaskError for a variant of the benchmark whose texts are nowhere
 */
export function resolvePrompt(
  wish: PromptWish,
  source: string | undefined,
  hashes: PromptHashes = PROMPT_HASHES,
): Prompt {
  const hash = hashOfWish(wish);
  if (hash !== undefined) {
    return {
      version: wish.variant ?? variantOf(hash, hashes) ?? 'custom',
      hash,
      system: wish.system ?? '',
      template: wish.template ?? QUESTION,
      reprompt: wish.reprompt ?? REPROMPT,
    };
  }
  const own = wish.variant === undefined ? undefined : OWN.get(wish.variant);
  if (wish.variant !== undefined && own !== undefined) return ownPrompt(wish.variant, own, wish.reprompt);
  const variant = wish.variant ?? 'v1';
  const found =
    source === undefined ? undefined : projectPrompt(variant, hashes[variant], namedTexts(source));
  if (found !== undefined) return { ...found, reprompt: wish.reprompt ?? found.reprompt };
  if (wish.variant === undefined) return ownPrompt(PLAIN, PLAIN_SYSTEM, wish.reprompt);
  const why =
    source === undefined ? `the dataset has no ${PROMPTS_FILE}` : `no texts of ${PROMPTS_FILE} have its hash`;
  throw new PermanentTaskError(
    'PROMPT_UNKNOWN',
    `the texts of the prompt ${variant} belong to the benchmark's project, and ${why}; expected texts with the hash ${hashes[variant]}: name a checkout of the project as the dataset, or give prompt.system (and prompt.template)`,
  );
}

function ownPrompt(variant: string, system: string, reprompt = REPROMPT): Prompt {
  return { version: variant, hash: promptHash(system, QUESTION), system, template: QUESTION, reprompt };
}

/** The two texts of a project that have the hash of a variant together: whatever their names are, they are the right ones. */
function projectPrompt(
  variant: string,
  wanted: string | undefined,
  texts: ReadonlyMap<string, string>,
): Prompt | undefined {
  const named = [...texts].slice(0, MAX_TEXTS);
  const templates = named.map(([, text]) => text).filter((text) => text.includes(QUESTION));
  for (const [name, system] of named) {
    const template = templates.find((text) => promptHash(system, text) === wanted);
    if (wanted === undefined || template === undefined) continue;
    return { version: variant, hash: wanted, system, template, reprompt: repromptOf(name, texts) };
  }
  return undefined;
}

/** The text for asking again that goes with an instruction, by the end of their names; else any; else ours. */
function repromptOf(name: string, texts: ReadonlyMap<string, string>): string {
  const named = [...texts].filter(([other]) => /REPROMPT/i.test(other));
  const suffix = /_V\d+\w*$/i.exec(name)?.[0];
  const own = named.find(([other]) => suffix !== undefined && other.endsWith(suffix));
  return (own ?? named[0])?.[1] ?? REPROMPT;
}

/** What is sent for a question: with an instruction as the benchmark puts them together, else the template alone. */
export function promptText({ system, template }: Prompt, question: string): string {
  const asked = template.replaceAll(QUESTION, () => question);
  return system === '' ? asked : `${system}\n\nQuestion: ${asked}`;
}

/** What is sent after an answer that is none. */
export function repromptText(prompt: Prompt, question: string, answer: string): string {
  const quoted = Array.from(answer).slice(0, QUOTED).join('');
  return `${promptText(prompt, question)}\n\nYour response: ${quoted}\n\n${prompt.reprompt}`;
}
