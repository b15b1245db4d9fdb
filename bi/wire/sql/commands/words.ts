import { identifier, type StatementText, type Token } from '../../../../lake/engine/lexer.ts';
import { WireError } from '../../protocol/sqlstate.ts';
import { isWord } from '../dialect.ts';

/** Reads the tokens of a statement from left to right. */
export class Words {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  get next(): Token | undefined {
    return this.#tokens[this.#at];
  }

  take(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new WireError('syntaxError', 'syntax error at end of input');
    return token;
  }

  /** The next word in lower case. */
  word(): string {
    return this.take().text.toLowerCase();
  }

  name(): string {
    const token = this.take();
    if (token.kind !== 'word' && token.kind !== 'quoted') throw syntaxAt(token);
    return identifier(token);
  }

  /** Steps over any of these words, as often as they come; tells whether one did. */
  skip(...words: string[]): boolean {
    let found = false;
    while (words.some((word) => isWord(this.next, word))) {
      this.#at++;
      found = true;
    }
    return found;
  }

  skipMark(mark: string): boolean {
    if (this.next?.text !== mark) return false;
    this.#at++;
    return true;
  }

  expect(text: string): void {
    const token = this.take();
    if (token.text.toLowerCase() !== text) throw syntaxAt(token);
  }

  /** Everything that is left. */
  rest(): StatementText {
    return this.#slice(this.#at, this.#tokens.length);
  }

  /** What is within the parentheses that come next. */
  parenthesised(): StatementText {
    this.expect('(');
    const from = this.#at;
    for (let depth = 1; depth > 0; ) {
      const { text } = this.take();
      if (text === '(') depth++;
      else if (text === ')') depth--;
    }
    return this.#slice(from, this.#at - 1);
  }

  end(): void {
    if (this.next !== undefined) throw syntaxAt(this.next);
  }

  #slice(from: number, to: number): StatementText {
    const tokens = this.#tokens.slice(from, to);
    const [first] = tokens;
    const last = tokens.at(-1);
    if (first === undefined || last === undefined) return { text: '', tokens: [] };
    return {
      text: this.#text.slice(first.start, last.end),
      tokens: tokens.map((token) => ({
        ...token,
        start: token.start - first.start,
        end: token.end - first.start,
      })),
    };
  }
}

function syntaxAt(token: Token): WireError {
  return new WireError('syntaxError', `syntax error at or near "${token.text}"`);
}
