/** What stands for the characters that LaTeX takes for something else, in texts outside mathematics. */
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  $: '\\$',
  '&': '\\&',
  '#': '\\#',
  '%': '\\%',
  _: '\\_',
  '^': '\\textasciicircum{}',
  '~': '\\textasciitilde{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  // Babel makes it a command in some languages; \\textquotedbl is not in every encoding.
  '"': '\\string"',
  '`': '\\textasciigrave{}',
  "'": '\\textquotesingle{}',
  // Two of them would become a dash, the others options of the line break before them.
  '-': '{-}',
  '[': '{[}',
  '*': '{*}',
  // Fonts that lack a bracket or these signs show something else.
  '±': '$\\pm$',
  '≈': '$\\approx$',
  '–': '\\textendash{}',
};

/** A text as LaTeX prints it literally: in a cell, a heading, a caption. Line ends and other controls become spaces. */
export function escapeLatex(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/[\\{}$&#%_^~<>|"`'[*±≈–]|-(?=-)/g, (sign) => ESCAPES[sign] ?? sign)
    .trim();
}

/** A decimal number in the mathematics of LaTeX. */
export function latexNumber(text: string): string {
  const [digits = '', exponent] = text.split('e');
  return exponent === undefined ? digits : `${digits} \\times 10^{${Number(exponent)}}`;
}
