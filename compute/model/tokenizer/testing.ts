import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The character that byte-level vocabularies have for a byte. */
function byteCharacter(byte: number): string {
  const printable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  if (printable(byte)) return String.fromCodePoint(byte);
  const before = Array.from({ length: byte }, (_, b) => b).filter((b) => !printable(b)).length;
  return String.fromCodePoint(0x100 + before);
}

/** Token ids of the special tokens of `byteTokenizerJson`. */
export const BOS = 256;
export const EOS = 257;
/** Id of the one token of several bytes, `ab`, and of an added token that is no special one. */
export const AB = 258;
export const THINK = 259;

/** A byte-level tokenizer whose ids 0 to 255 are the bytes, with BOS before every text. */
export const byteTokenizerJson = {
  version: '1.0',
  added_tokens: [
    { id: BOS, content: '<s>', special: true, normalized: false },
    { id: EOS, content: '</s>', special: true, normalized: false },
    { id: THINK, content: '<think>', special: false, normalized: false },
  ],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: {},
  },
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE',
    vocab: {
      ...Object.fromEntries(Array.from({ length: 256 }, (_, byte) => [byteCharacter(byte), byte])),
      ab: AB,
    },
    merges: [['a', 'b']],
  },
};

/** Writes a tokenizer's files into a directory. */
export async function writeTokenizer(
  directory: string,
  config: unknown = { bos_token: '<s>', eos_token: { content: '</s>' } },
  json: unknown = byteTokenizerJson,
): Promise<string> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'tokenizer.json'), JSON.stringify(json));
  await writeFile(join(directory, 'tokenizer_config.json'), JSON.stringify(config));
  return directory;
}
