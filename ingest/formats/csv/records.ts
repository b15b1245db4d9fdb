/** One record of a CSV text, as found. */
export interface RawRecord {
  readonly fields: string[];
  /** Index after the record and its line end. */
  readonly end: number;
  /** Newlines consumed. */
  readonly lines: number;
  readonly problem?: string;
}

/**
 * Reads the record at `start`. Undefined when the text ends before it does; with `final` the end of the text ends
 * the record. Quotes open a field only at its beginning, as RFC 4180 has it; elsewhere they are data.
 */
export function readRecord(
  text: string,
  start: number,
  delimiter: string,
  final: boolean,
): RawRecord | undefined {
  const newline = text.indexOf('\n', start);
  if (newline === -1 && !final) return undefined;
  const lineEnd = newline === -1 ? text.length : newline;
  const line = text.slice(
    start,
    lineEnd > start && text.charCodeAt(lineEnd - 1) === 0x0d ? lineEnd - 1 : lineEnd,
  );
  if (!line.includes('"')) {
    return {
      fields: line.split(delimiter),
      end: newline === -1 ? lineEnd : newline + 1,
      lines: newline === -1 ? 0 : 1,
    };
  }
  return readQuoted(text, start, delimiter, final);
}

function readQuoted(text: string, start: number, delimiter: string, final: boolean): RawRecord | undefined {
  const fields: string[] = [];
  let lines = 0;
  let at = start;
  while (true) {
    if (text[at] === '"') {
      const field = readQuotedField(text, at);
      if (field === undefined) {
        if (!final) return undefined;
        return {
          fields,
          end: text.length,
          lines: lines + newlines(text, at, text.length),
          problem: 'a quoted field never ends',
        };
      }
      fields.push(field.value);
      lines += newlines(text, at, field.end);
      at = field.end;
      const problem = endsField(text, at, delimiter) ? undefined : 'characters after a closing quote';
      if (problem !== undefined) {
        const next = text.indexOf('\n', at);
        if (next === -1 && !final) return undefined;
        return {
          fields,
          end: next === -1 ? text.length : next + 1,
          lines: lines + (next === -1 ? 0 : 1),
          problem,
        };
      }
    } else {
      let end = at;
      while (end < text.length && text[end] !== delimiter && text[end] !== '\n') end++;
      if (end === text.length && !final) return undefined;
      const isLast = text[end] !== delimiter;
      fields.push(text.slice(at, isLast && end > at && text[end - 1] === '\r' ? end - 1 : end));
      at = end;
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at++;
    if (text[at] === '\n') return { fields, end: at + 1, lines: lines + 1 };
    if (at >= text.length || text[at] === '\r') return { fields, end: text.length, lines };
    at++;
  }
}

/** The field whose opening quote is at `start`, and the index after its closing one. */
function readQuotedField(text: string, start: number): { value: string; end: number } | undefined {
  let from = start + 1;
  let value = '';
  while (true) {
    const quote = text.indexOf('"', from);
    if (quote === -1) return undefined;
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1 };
    value += '"';
    from = quote + 2;
  }
}

function endsField(text: string, at: number, delimiter: string): boolean {
  if (at >= text.length || text[at] === delimiter || text[at] === '\n') return true;
  return text[at] === '\r' && (at + 1 === text.length || text[at + 1] === '\n');
}

function newlines(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', start); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
