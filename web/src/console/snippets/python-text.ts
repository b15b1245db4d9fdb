/** Characters that a long string of Python would not keep as they are, or that would end it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const AWKWARD = /[\u0000-\u0009\u000b-\u001f\u007f\\]|"""|"$/;

/** A text as a literal of Python: in several lines where it has several. */
export function pythonString(text: string): string {
  const whole = text.toWellFormed();
  if (!whole.includes('\n') || AWKWARD.test(whole)) return JSON.stringify(whole);
  return `"""${whole}"""`;
}

const JSON_WORDS: Readonly<Record<string, string>> = { true: 'True', false: 'False', null: 'None' };

/** JSON as an expression of Python; numbers keep their digits. */
export function pythonOfJson(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b/g, (token) =>
    // Escapes of JSON and of Python differ for what is beyond 16 bits.
    token.startsWith('"') ? pythonString(JSON.parse(token)) : (JSON_WORDS[token] ?? token),
  );
}
