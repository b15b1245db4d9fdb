import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyCharacter } from '../../../test/support/any-character.ts';
import { ChatTemplateError, CheckpointError, TokenSpansError, UnsupportedModelError } from '../errors.ts';
import { AB, BOS, byteTokenizerJson, EOS, THINK, writeTokenizer } from './testing.ts';
import { Tokenizer } from './tokenizer.ts';

let root: string;
let tokenizer: Tokenizer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'runlake-tokenizer-'));
  tokenizer = await Tokenizer.load(await writeTokenizer(join(root, 'plain')));
});
afterAll(() => rm(root, { recursive: true }));

let count = 0;
const loaded = async (config?: unknown, json?: unknown) =>
  Tokenizer.load(await writeTokenizer(join(root, String(count++)), config, json));

const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom('a', 'b', '<s>', '<think>'), fc.string({ unit: anyCharacter })),
});

describe('tokenizer', () => {
  it('puts the frame around a text unless told not to', () => {
    expect(tokenizer.encode('abc')).toEqual([BOS, AB, 99]);
    expect(tokenizer.encode('abc', { specialTokens: false })).toEqual([AB, 99]);
    expect(tokenizer.encode('')).toEqual([BOS]);
    expect([tokenizer.bosToken, tokenizer.eosToken]).toEqual([BOS, EOS]);
  });

  it('the frame is what tokenizer_config.json orders', async () => {
    const names = { bos_token: '<s>', eos_token: '</s>' };
    const frame = async (config: object) => (await loaded({ ...names, ...config })).encode('c');
    expect(await frame({ add_bos_token: false })).toEqual([99]);
    expect(await frame({ add_eos_token: true })).toEqual([99, EOS]);
    expect(await frame({ add_bos_token: true, add_eos_token: true })).toEqual([BOS, 99, EOS]);
    await expect(frame({ add_bos_token: true, bos_token: '<absent>' })).rejects.toThrow(CheckpointError);
  });

  it('leaves special tokens out of a text, but not added ones', () => {
    const tokens = [BOS, 104, THINK, 105, EOS, 9999];
    expect(tokenizer.decode(tokens)).toBe('h<think>i');
    expect(tokenizer.decode(tokens, { skipSpecialTokens: false })).toBe('<s>h<think>i</s>');
    expect(tokenizer.decode([])).toBe('');
  });

  it('gives back every text of whole characters', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const tokens = tokenizer.encode(text, { specialTokens: false });
        expect(tokenizer.decode(tokens, { skipSpecialTokens: false })).toBe(text.toWellFormed());
      }),
    );
  });

  it('grows a text by tokens of any bytes: what is published stays, the end is that of decoding at once', () => {
    const bytes = fc.array(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0x80, max: 0xf4 })));
    fc.assert(
      fc.property(bytes, (tokens) => {
        const text = tokenizer.tokenText();
        let before = '';
        for (const token of tokens) {
          tokenizer.appendTo(text, token);
          expect(text.text.startsWith(before)).toBe(true);
          before = text.text;
        }
        const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(tokens));
        expect(text.finish()).toBe(whole);
        expect(text.finish()).toBe(whole);
        let end = 0;
        for (const span of text.spans) {
          expect(span.start).toBeLessThanOrEqual(end);
          expect(span.end).toBeGreaterThan(span.start);
          end = Math.max(end, span.end);
        }
        expect(end).toBe(whole.length);
      }),
    );
  });
});

describe('spans of tokens', () => {
  it('cover the text, overlap only within a character, and tell its bytes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { tokens, spans } = tokenizer.encodeWithSpans(text);
        expect(tokens).toEqual(tokenizer.encode(text));
        expect(spans.length).toBe(tokens.length);
        expect(spans[0]).toEqual({ start: 0, end: 0 });
        let end = 0;
        for (const [i, span] of spans.entries()) {
          if (span.start === span.end) continue;
          const part = text.slice(span.start, span.end).toWellFormed();
          // Starts where the one before ended, or in the same character.
          expect(span.start <= end && span.end >= end).toBe(true);
          if (span.start < end) expect([...part].length).toBe(1);
          end = span.end;
          const spelled = tokenizer.decode([tokens[i]!], { skipSpecialTokens: false });
          if (!spelled.includes('\ufffd')) expect(part).toBe(spelled);
        }
        expect(end).toBe(text.length);
      }),
    );
  });

  it('parts of a character span it whole', () => {
    const { spans } = tokenizer.encodeWithSpans('a€b');
    expect(spans.map(({ start, end }) => [start, end])).toEqual([
      [0, 0],
      [0, 1],
      [1, 2],
      [1, 2],
      [1, 2],
      [2, 3],
    ]);
  });

  it('a text of nothing but the frame has one of its own', () => {
    const { tokens, spans } = tokenizer.encodeWithSpans('<s>');
    expect(tokens).toEqual([BOS, BOS]);
    expect(spans).toEqual([
      { start: 0, end: 0 },
      { start: 0, end: 3 },
    ]);
  });

  it('are refused where they cannot be told', async () => {
    const normalising = await loaded({}, { ...byteTokenizerJson, normalizer: { type: 'NFC' } });
    expect(normalising.encodeWithSpans('\u00e9').spans.at(-1)).toEqual({ start: 0, end: 1 });
    expect(() => normalising.encodeWithSpans('e\u0301')).toThrow(TokenSpansError);
    const pieces = await loaded(
      {},
      { ...byteTokenizerJson, decoder: { type: 'WordPiece', prefix: '##', cleanup: false } },
    );
    expect(() => pieces.encodeWithSpans('a')).toThrow(/BPE with WordPiece do not spell/);
    expect(pieces.decode([104, 105])).toBe('h i');
  });
});

describe('chat templates', () => {
  const messages = [{ role: 'user', content: 'hi' }];
  const template = `{{ bos_token }}{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{{ eos_token }}{% endfor %}
{%- if add_generation_prompt %}[assistant]{% endif %}{{ extra }}`;

  it('write the frame themselves: never a second BOS', async () => {
    const chat = await loaded({ bos_token: '<s>', eos_token: '</s>', chat_template: template });
    expect(chat.renderChat(messages)).toBe('<s>[user]hi</s>[assistant]');
    expect(chat.encodeChat(messages).filter((token) => token === BOS)).toEqual([BOS]);
    const options = { addGenerationPrompt: false, variables: { extra: '!' } };
    expect(chat.renderChat(messages, options)).toBe('<s>[user]hi</s>!');
  });

  it('are found by name, in files first', async () => {
    const config = {
      chat_template: [
        { name: 'default', template: 'inline' },
        { name: 'tool_use', template: 'tools' },
      ],
    };
    expect((await loaded(config)).renderChat(messages, { template: 'tool_use' })).toBe('tools');
    const directory = await writeTokenizer(join(root, 'files'), config);
    await writeFile(join(directory, 'chat_template.jinja'), 'file');
    await mkdir(join(directory, 'chat_templates'));
    await writeFile(join(directory, 'chat_templates', 'rag.jinja'), 'documents');
    const chat = await Tokenizer.load(directory);
    expect(chat.renderChat(messages)).toBe('file');
    expect(chat.renderChat(messages, { template: 'rag' })).toBe('documents');
    expect(() => chat.renderChat(messages, { template: 'tool_use' })).toThrow(ChatTemplateError);
  });

  it('may refuse the messages and ask for the date', async () => {
    const chat = await loaded({
      chat_template:
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ strftime_now('%d %b %Y') }}",
    });
    expect(chat.renderChat(messages)).toMatch(/^\d\d [A-Z][a-z]{2} 20\d\d$/);
    expect(() => chat.renderChat([{ role: 'system', content: '' }])).toThrow(/no system/);
  });

  it('are missed with a remedy, and broken ones are told', async () => {
    expect(() => tokenizer.renderChat(messages)).toThrow(/has no chat template/);
    const broken = await loaded({ chat_template: '{% for x in %}' });
    expect(() => broken.renderChat(messages)).toThrow(ChatTemplateError);
  });
});

describe('tokenizer files', () => {
  it.each<[string, unknown, string | RegExp]>([
    ['no object', 3, /expected object/],
    ['no vocabulary', { ...byteTokenizerJson, model: { type: 'BPE' } }, /cannot be built/],
    ['an unknown model', { ...byteTokenizerJson, model: { type: 'Quantum', vocab: {} } }, /of model Quantum/],
    ['added tokens without ids', { ...byteTokenizerJson, added_tokens: [{ content: 'x' }] }, /added_tokens/],
  ])('refuses %s', async (_, json, message) => {
    const load = loaded({}, json);
    await expect(load).rejects.toThrow(message);
    await expect(load).rejects.toSatisfy(
      (error) => error instanceof CheckpointError || error instanceof UnsupportedModelError,
    );
  });

  it('says what is missing and how to get it', async () => {
    await mkdir(join(root, 'empty'));
    await expect(Tokenizer.load(join(root, 'empty'))).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      remedy: expect.stringContaining('save_pretrained'),
    });
  });

  it('takes special tokens from special_tokens_map.json where tokenizer_config.json names none', async () => {
    const directory = await writeTokenizer(join(root, 'old'), {});
    await writeFile(join(directory, 'special_tokens_map.json'), '{"eos_token": "</s>"}');
    expect((await Tokenizer.load(directory)).eosToken).toBe(EOS);
  });
});
