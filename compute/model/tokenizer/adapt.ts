import { CheckpointError, UnsupportedModelError } from '../errors.ts';
import type { TokenizerConfig, TokenizerJson } from './files.ts';

/** Of those that the library has; others it takes for one of them. Old files do not name theirs. */
const models: readonly (string | undefined)[] = ['BPE', 'Unigram', 'WordPiece', undefined];

/**
 * tokenizer.json as the library has to see it so that it gives the ids that transformers gives.
 * @throws CheckpointError | UnsupportedModelError
 */
export function adaptTokenizer(json: TokenizerJson, config: TokenizerConfig): TokenizerJson {
  const { type } = json.model;
  if (!models.includes(type)) {
    throw new UnsupportedModelError(`there are no tokenizers of model ${type}`, {
      expected: 'BPE, Unigram or WordPiece',
      where: { file: 'tokenizer.json', pointer: '/model/type' },
    });
  }
  return withTextFrame(withTranslatedSplit(json), config);
}

/** How GPT-2 divides a text into words; what `ByteLevel` with `use_regex` means. */
const GPT2_WORDS = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/**
 * Spells out the word pattern of `ByteLevel`: the library has it as a JavaScript expression of its own, in which `\s` is
 * another set (U+FEFF is in it, U+0085 is not); a pattern that is spelled out it translates as Oniguruma has it.
 */
function withTranslatedSplit(json: TokenizerJson): TokenizerJson {
  const { pre_tokenizer: given } = json;
  if (given === null || given === undefined) return json;
  const steps = given.type === 'Sequence' ? (given.pretokenizers ?? []) : [given];
  const pretokenizers = steps.flatMap((step) =>
    step.type !== 'ByteLevel' || step['use_regex'] === false || step['add_prefix_space'] === true
      ? [step]
      : [
          { type: 'Split', pattern: { Regex: GPT2_WORDS }, behavior: 'Isolated', invert: false },
          { ...step, use_regex: false },
        ],
  );
  return { ...json, pre_tokenizer: { type: 'Sequence', pretokenizers } };
}

/**
 * The frame of BOS and EOS that tokenizer_config.json orders: `add_bos_token` or `add_eos_token`, when it is there, replaces
 * the post-processor, as in transformers 5.
 */
function withTextFrame(json: TokenizerJson, config: TokenizerConfig): TokenizerJson {
  if (!('add_bos_token' in config) && !('add_eos_token' in config)) return json;
  const special = (text: string | null | undefined) => {
    if (typeof text !== 'string') return [];
    if (!json.added_tokens.some(({ content }) => content === text)) {
      throw new CheckpointError(`tokenizer.json has no token ${text}`, {
        where: { file: 'tokenizer_config.json' },
      });
    }
    return [{ SpecialToken: { id: text, type_id: 0 } }];
  };
  const single = [
    ...(config.add_bos_token === true ? special(config.bos_token) : []),
    { Sequence: { id: 'A', type_id: 0 } },
    ...(config.add_eos_token === true ? special(config.eos_token) : []),
  ];
  return {
    ...json,
    post_processor: { type: 'TemplateProcessing', single, pair: single, special_tokens: {} },
  };
}
