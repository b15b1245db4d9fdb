import type { TokenizerJson } from './files.ts';

/** What the tokens of one tokenizer stand for, as bytes of UTF-8: a token may be a part of a character. */
export interface Spelling {
  /** @param first whether the text begins with this token */
  bytes(token: string, first: boolean): Uint8Array;
}

/** Stands for a space in the vocabularies of SentencePiece. */
const SPACE_MARK = '\u2581';
const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;
const SPACE = 0x20;

/**
 * The character that stands for each byte in vocabularies of byte-level BPE: printable Latin-1 stands for itself, the
 * other bytes, in order, for the characters from U+0100 (the table of GPT-2).
 */
function byteCharacters(): Map<string, number> {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const table = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    table.set(String.fromCodePoint(printable(byte) ? byte : next++), byte);
  }
  return table;
}

const byteLevel: Spelling = (() => {
  const table = byteCharacters();
  return {
    bytes(token) {
      const bytes: number[] = [];
      for (const character of token) {
        const byte = table.get(character);
        // As the reference does: a token outside the table is plain text.
        if (byte === undefined) return Buffer.from(token);
        bytes.push(byte);
      }
      return Uint8Array.from(bytes);
    },
  };
})();

/** Metaspace alone: marks are spaces, and none at the beginning unless the tokenizer never put one there. */
function metaspace(keepFirst: boolean): Spelling {
  return {
    bytes: (token, first) => Buffer.from(token.replaceAll(SPACE_MARK, first && !keepFirst ? '' : ' ')),
  };
}

/** The chain of Llama 2 and its like: marks are spaces, `<0x0A>` a byte; with `strip`, one space at the beginning is dropped. */
function byteFallback(strip: boolean): Spelling {
  return {
    bytes(token, first) {
      const hexadecimal = BYTE_TOKEN.exec(token)?.[1];
      const bytes =
        hexadecimal === undefined
          ? Buffer.from(token.replaceAll(SPACE_MARK, ' '))
          : Uint8Array.of(Number.parseInt(hexadecimal, 16));
      return strip && first && bytes[0] === SPACE ? bytes.subarray(1) : bytes;
    },
  };
}

/** How a tokenizer spells, read off the decoder in its tokenizer.json; undefined where tokens do not spell bytes. */
export function spellingOf(decoder: TokenizerJson['decoder']): Spelling | undefined {
  if (decoder === null) return undefined;
  switch (decoder.type) {
    case 'ByteLevel':
      return byteLevel;
    case 'Metaspace':
      return metaspace(decoder['prepend_scheme'] === 'never' || decoder['add_prefix_space'] === false);
    case 'Sequence': {
      const steps = decoder.decoders ?? [];
      const types = steps.map(({ type }) => type).join();
      if (types === 'ByteLevel') return byteLevel;
      if (types === 'Replace,ByteFallback,Fuse') return byteFallback(false);
      if (types === 'Replace,ByteFallback,Fuse,Strip') return byteFallback(steps[3]!['start'] === 1);
      return undefined;
    }
    default:
      return undefined;
  }
}
