import type { Spelling } from './spelling.ts';

/** Where a token lies in a text, in UTF-16 units. A token that is a part of a character spans the whole character. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const NO_BYTES = new Uint8Array(0);
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Text that grows token by token. What is published never changes: the bytes of an unfinished character are held back
 * until it is finished or cannot be any more. The text at the end is that of decoding all tokens at once.
 */
export class TokenText {
  readonly #spelling: Spelling;
  readonly #spans: { start: number; end: number }[] = [];
  #text = '';
  #begun = false;
  /** The bytes held back, and the first of the tokens that they are of. */
  #held: Uint8Array = NO_BYTES;
  #heldFrom = 0;

  constructor(spelling: Spelling) {
    this.#spelling = spelling;
  }

  /** The text so far, of finished characters. */
  get text(): string {
    return this.#text;
  }

  /** A span for each token so far. */
  get spans(): readonly Span[] {
    return this.#spans;
  }

  /** Appends a token of the vocabulary. */
  push(token: string): void {
    this.#append(this.#spelling.bytes(token, !this.#begun));
  }

  /** Appends a token that stands for itself (an added one). */
  pushPlain(token: string): void {
    this.#append(Buffer.from(token));
  }

  /** Appends a token that is no part of the text. */
  skip(): void {
    this.#spans.push({ start: this.#text.length, end: this.#text.length });
  }

  /** The whole text; what is left of an unfinished character becomes U+FFFD. */
  finish(): string {
    this.#giveUp();
    return this.#text;
  }

  #append(bytes: Uint8Array): void {
    this.#begun = true;
    if (bytes.length > 0 && !isContinuation(bytes[0]!)) this.#giveUp();
    const start = this.#text.length;
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const cut = all.length - unfinished(all);
    const text = decoder.decode(all.subarray(0, cut));
    if (this.#held.length > 0 && text !== '') this.#endHeld(start + firstCharacter(text));
    this.#text += text;
    this.#spans.push({ start, end: this.#text.length });
    if (cut === all.length) this.#held = NO_BYTES;
    else {
      if (this.#held.length === 0 || text !== '') this.#heldFrom = this.#spans.length - 1;
      this.#held = all.subarray(cut);
    }
  }

  /** The character held back will not be finished. */
  #giveUp(): void {
    if (this.#held.length === 0) return;
    this.#text += decoder.decode(this.#held);
    this.#held = NO_BYTES;
    this.#endHeld(this.#text.length);
  }

  #endHeld(end: number): void {
    for (let i = this.#heldFrom; i < this.#spans.length; i++) this.#spans[i]!.end = end;
  }
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** How many bytes at the end begin a character of UTF-8 that is longer. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

function firstCharacter(text: string): number {
  return text.codePointAt(0)! > 0xffff ? 2 : 1;
}
