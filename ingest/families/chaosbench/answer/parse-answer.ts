import { type Label, type Outcome, outcomeOf } from '../../../contracts/chaosbench/prediction.ts';
import { PYTHON_SPACE, pythonList, pythonSplit, pythonStrip } from './python-text.ts';

/** `strict` looks at the last line first, `lenient` for phrases that announce an answer. */
export type ParseMode = 'strict' | 'lenient';

/** How a response was understood. */
export interface ParsedAnswer {
  readonly outcome: Outcome;
  readonly label: Label | null;
  /** 1 with a FINAL_ANSWER marker, 0.9 without, 0 for an invalid answer. */
  readonly confidence: number;
  readonly reason: string;
}

/** What one way of looking gave: a label, or why there is none. */
interface Extraction {
  readonly label: Label | null;
  readonly reason: string;
}

const AMBIGUOUS = [
  'it depends',
  'cannot determine',
  'cannot be determined',
  'not enough information',
  'ambiguous',
  'both true and false',
  'both false and true',
  'neither true nor false',
];

const TOKENS: ReadonlyMap<string, Label> = new Map([
  ...['yes', 'true', 'y', 't'].map((token) => [token, 'TRUE'] as const),
  ...['no', 'false', 'n', 'f'].map((token) => [token, 'FALSE'] as const),
]);

const MARKUP = /[*_`#[\]()"']/g;
const TRAILING_PUNCTUATION = /[.,;:!?]+$/;

/** The answer after an announcement goes on to the end of the clause. */
const CLAUSE = '([^\\n.,;]+)';

/** Announcements in order of precedence, as Python's `re` writes them: the text is part of the recorded reason. */
const ANNOUNCEMENTS = [
  `FINAL[_\\s\\-]*ANSWER\\s*[:=]\\s*${CLAUSE}`,
  `(?:the\\s+)?answer\\s+is\\s*[:=]?\\s*${CLAUSE}`,
  `\\banswer\\s*[:=]\\s*${CLAUSE}`,
  `\\btherefore\\s*[,:]?\\s*${CLAUSE}`,
  `\\bconclusion\\s*[:=]\\s*${CLAUSE}`,
  `\\bso\\s+(?:the\\s+answer\\s+is\\s+)?${CLAUSE}`,
  `(?:my\\s+)?(?:final|ultimate)\\s+answer\\s*[:=]?\\s*${CLAUSE}`,
].map((source) => ({ name: source.slice(0, 40), expression: pythonExpression(source) }));

/** A regular expression with Python's ideas of white space, of word boundaries before a letter, and of case. */
function pythonExpression(source: string): RegExp {
  const text = source.replaceAll('\\b', '(?<![\\p{L}\\p{N}_])').replaceAll('\\s', PYTHON_SPACE);
  return new RegExp(text, 'iv');
}

/** The label of the last token that is one. */
function lastLabel(tokens: readonly string[]): Label | undefined {
  for (let i = tokens.length - 1; i >= 0; i--) {
    const label = TOKENS.get(tokens[i]!.toLowerCase().replace(TRAILING_PUNCTUATION, ''));
    if (label !== undefined) return label;
  }
  return undefined;
}

function fromLastLine(text: string): Extraction {
  const line = text.split('\n').findLast((candidate) => pythonStrip(candidate) !== '') ?? '';
  const tokens = pythonSplit(line.replace(MARKUP, ''));
  if (tokens.length === 0) return { label: null, reason: 'empty last line' };
  const label = lastLabel(tokens);
  return label === undefined
    ? { label: null, reason: `last line tokens unrecognized: ${pythonList(tokens.slice(0, 4))}` }
    : { label, reason: 'final line token' };
}

function fromAnnouncement(text: string): Extraction {
  const plain = text.replace(MARKUP, '');
  for (const { name, expression } of ANNOUNCEMENTS) {
    const clause = expression.exec(plain)?.[1];
    const label = clause === undefined ? undefined : lastLabel(pythonSplit(clause));
    if (label !== undefined) return { label, reason: `matched pattern: ${name}` };
  }
  return { label: null, reason: 'no pattern matched' };
}

function invalid(reason: string): ParsedAnswer {
  return { outcome: 'INVALID', label: null, confidence: 0, reason };
}

/**
 * Understands a response as the benchmark does, with its consequences: "not true" is TRUE, "TRUE or FALSE" is FALSE, and
 * any sign of ambiguity, "Unambiguously TRUE" included, makes an answer invalid.
 */
export function parseAnswer(text: string | null, mode: ParseMode = 'strict'): ParsedAnswer {
  if (text === null || pythonStrip(text) === '') return invalid('empty response');
  const lower = text.toLowerCase();
  if (AMBIGUOUS.some((phrase) => lower.includes(phrase))) return invalid('response signals ambiguity');
  const [first, second] =
    mode === 'strict' ? [fromLastLine, fromAnnouncement] : [fromAnnouncement, fromLastLine];
  const attempt = first(text);
  const { label, reason } = attempt.label === null ? second(text) : attempt;
  if (label === null) return invalid(reason);
  const confidence = text.toUpperCase().includes('FINAL_ANSWER') ? 1 : 0.9;
  return { outcome: outcomeOf(label), label, confidence, reason };
}
