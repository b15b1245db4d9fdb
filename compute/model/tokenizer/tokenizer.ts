import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { messageOf } from '../../../lake/errors.ts';
import { TokenSpansError, UnsupportedModelError } from '../errors.ts';
import { adaptTokenizer } from './adapt.ts';
import { type ChatMessage, type ChatOptions, renderChat } from './chat-template.ts';
import { readTokenizerFiles, type TokenizerFiles } from './files.ts';
import { type Spelling, spellingOf } from './spelling.ts';
import { type Span, TokenText } from './token-text.ts';

export interface EncodeOptions {
  /** Adds the tokens that the checkpoint puts around a text, such as BOS; default true. */
  readonly specialTokens?: boolean;
}

export interface DecodeOptions {
  /** Leaves special tokens out of the text; default true. */
  readonly skipSpecialTokens?: boolean;
}

/** Tokens of a text, each with the part of the text it stands for. */
export interface EncodedText {
  readonly tokens: readonly number[];
  /** Tokens that are in no part of the text (BOS) have an empty span. */
  readonly spans: readonly Span[];
}

const specialNames = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;

/** A checkpoint's tokenizer: token ids equal those of Python's `tokenizers`. */
export class Tokenizer {
  readonly #library: LibraryTokenizer;
  readonly #templates: ReadonlyMap<string, string>;
  readonly #specialTexts: Readonly<Record<string, string>>;
  readonly #kind: string;
  readonly #spelling: Spelling | undefined;
  /** Added tokens stand for themselves. */
  readonly #added: ReadonlyMap<number, string>;
  readonly #special: ReadonlySet<number>;
  /** Default beginning and end of a text. */
  readonly bosToken: number | undefined;
  readonly eosToken: number | undefined;

  private constructor(library: LibraryTokenizer, { json, config, templates }: TokenizerFiles) {
    this.#library = library;
    this.#templates = templates;
    this.#kind = [json.model.type, json.decoder?.type].filter((one) => one !== undefined).join(' with ');
    this.#spelling = spellingOf(json.decoder);
    const texts = specialNames.flatMap((name) => {
      const text = config[name];
      return typeof text === 'string' ? [[name, text] as const] : [];
    });
    this.#specialTexts = Object.fromEntries(texts);
    const id = (text: string | undefined) => (text === undefined ? undefined : library.token_to_id(text));
    this.bosToken = id(this.#specialTexts['bos_token']);
    this.eosToken = id(this.#specialTexts['eos_token']);
    const added = [...library.get_added_tokens_decoder()];
    this.#added = new Map(added.map(([token, { content }]) => [token, content]));
    this.#special = new Set([
      ...added.filter(([, one]) => one.special).map(([token]) => token),
      ...texts.map(([, text]) => id(text)).filter((token) => token !== undefined),
    ]);
  }

  /**
   * Loads the tokenizer of a checkpoint directory.
   * @throws CheckpointError a file is missing or damaged; UnsupportedModelError the tokenizer is of an unknown kind
   */
  static async load(directory: string, signal?: AbortSignal): Promise<Tokenizer> {
    const files = await readTokenizerFiles(directory, signal);
    const json = adaptTokenizer(files.json, files.config);
    try {
      return new Tokenizer(new LibraryTokenizer(json, files.config), files);
    } catch (error) {
      throw new UnsupportedModelError(`the tokenizer of ${directory} cannot be built: ${messageOf(error)}`, {
        where: { file: 'tokenizer.json' },
        cause: error,
      });
    }
  }

  /** Token ids of a text. */
  encode(text: string, { specialTokens = true }: EncodeOptions = {}): number[] {
    return this.#library.encode(text, { add_special_tokens: specialTokens }).ids;
  }

  /**
   * Token ids of a text and where in it they are.
   * @throws TokenSpansError the tokenizer normalises this text, or is of a kind whose tokens do not spell bytes
   */
  encodeWithSpans(text: string, options: EncodeOptions = {}): EncodedText {
    const inner = this.encode(text, { specialTokens: false });
    const spelled = this.tokenText();
    for (const token of inner) this.appendTo(spelled, token, { skipSpecialTokens: false });
    if (spelled.finish() !== text.toWellFormed()) {
      throw new TokenSpansError('the tokenizer changes this text before it divides it into tokens', {
        expected: 'a text that its tokens spell',
      });
    }
    const tokens = this.encode(text, options);
    // The frame around a text is added at its ends; a text of nothing but such tokens is found at the last place it can be.
    const before = tokens.findLastIndex((_, at) => inner.every((token, i) => tokens[at + i] === token));
    const spans = tokens.map((_, i) => {
      const edge = i < before ? 0 : text.length;
      return spelled.spans[i - before] ?? { start: edge, end: edge };
    });
    return { tokens, spans };
  }

  /** The text of token ids; unknown ids spell nothing. Spaces are never "cleaned up". */
  decode(tokens: readonly number[], options: DecodeOptions = {}): string {
    if (tokens.length === 0) return '';
    if (this.#spelling === undefined) {
      return this.#library.decode([...tokens], {
        skip_special_tokens: options.skipSpecialTokens ?? true,
        clean_up_tokenization_spaces: false,
      });
    }
    const text = this.tokenText();
    for (const token of tokens) this.appendTo(text, token, options);
    return text.finish();
  }

  /** An empty text to which tokens can be appended one by one. @throws TokenSpansError tokens do not spell bytes */
  tokenText(): TokenText {
    if (this.#spelling === undefined) {
      throw new TokenSpansError(`tokens of a tokenizer of ${this.#kind} do not spell parts of a text`, {
        expected: 'byte-level BPE or SentencePiece with byte fallback',
      });
    }
    return new TokenText(this.#spelling);
  }

  /** A token as the vocabulary has it, such as `Ġhot`; undefined for an unknown id. */
  tokenName(token: number): string | undefined {
    return this.#added.get(token) ?? this.#library.id_to_token(token);
  }

  /** Appends a token id to a text. */
  appendTo(text: TokenText, token: number, { skipSpecialTokens = true }: DecodeOptions = {}): void {
    const added = this.#added.get(token);
    const content = this.tokenName(token);
    if (content === undefined || (skipSpecialTokens && this.#special.has(token))) text.skip();
    else if (added === undefined) text.push(content);
    else text.pushPlain(content);
  }

  /** The text of a conversation, by the checkpoint's chat template. @throws ChatTemplateError */
  renderChat(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    return renderChat(this.#templates, this.#specialTexts, messages, options);
  }

  /** Token ids of a conversation. The template writes BOS itself where the model wants one. @throws ChatTemplateError */
  encodeChat(messages: readonly ChatMessage[], options: ChatOptions = {}): number[] {
    return this.encode(this.renderChat(messages, options), { specialTokens: false });
  }
}
