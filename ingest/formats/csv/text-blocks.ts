import { type ByteInput, textChunks } from '../bytes/chunks.ts';
import { FormatError } from '../errors.ts';
import { decodeUtf8 } from '../json/utf8.ts';

/** Text of whole lines (the last block: up to the end of the file). */
export interface TextBlock {
  readonly text: string;
  /** The bytes of the text if each of its characters is one byte. */
  readonly ascii?: Uint8Array;
  /** Lines of the block, counted from 0, whose bytes are not UTF-8; they are U+FFFD in the text. */
  readonly badLines: ReadonlySet<number>;
}

export interface TextBlockOptions {
  readonly signal?: AbortSignal;
  readonly file?: string;
  readonly maxLineBytes: number;
}

const NEWLINE = 0x0a;
const NONE: ReadonlySet<number> = new Set();

/**
 * Decodes a (gzip) file in blocks of whole lines, without its byte order mark.
 * @throws FormatError `LIMIT` for a longer line, `BAD_GZIP`, `TRUNCATED`
 */
export async function* textBlocks(
  input: ByteInput,
  options: TextBlockOptions,
): AsyncGenerator<TextBlock, void, undefined> {
  let pieces: Uint8Array[] = [];
  let held = 0;
  let first = true;
  const take = (last: Uint8Array): TextBlock => {
    const block = decode(pieces.length === 0 ? last : Buffer.concat([...pieces, last]));
    pieces = [];
    held = 0;
    if (!first) return block;
    first = false;
    return block.text.startsWith('\ufeff') ? { ...block, text: block.text.slice(1) } : block;
  };
  for await (const chunk of textChunks(input, options)) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) yield take(chunk.subarray(0, end));
    if (end === chunk.length) continue;
    pieces.push(chunk.subarray(end));
    held += chunk.length - end;
    if (held > options.maxLineBytes) {
      const { file } = options;
      throw new FormatError('LIMIT', `${file ?? 'CSV'}: a line of more than ${options.maxLineBytes} bytes`, {
        ...(file === undefined ? {} : { where: { file } }),
      });
    }
  }
  if (held > 0) yield take(new Uint8Array(0));
}

function decode(bytes: Uint8Array): TextBlock {
  const text = decodeUtf8(bytes);
  if (text !== undefined)
    return { text, badLines: NONE, ...(text.length === bytes.length ? { ascii: bytes } : {}) };
  const badLines = new Set<number>();
  let line = 0;
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    if (decodeUtf8(bytes.subarray(start, end)) === undefined) badLines.add(line);
    start = end;
  }
  return { text: Buffer.from(bytes).toString('utf8'), badLines };
}
