import { type Random, random } from './random.ts';

/** A question about an invented world. */
export interface Question {
  readonly relation: string;
  readonly text: string;
  readonly answer: string;
  /** Other answers of the same kind: what a wrong response names. */
  readonly distractors: readonly string[];
  /** The response as a sentence. */
  readonly respond: (answer: string) => string;
  /** How likely a response is wrong. */
  readonly difficulty: number;
  readonly split: 'train' | 'test';
}

const STARTS = ['Bel', 'Cor', 'Dra', 'Fen', 'Gal', 'Hol', 'Jor', 'Kel', 'Lum', 'Mar', 'Nor', 'Ost', 'Per'];
const MIDDLES = ['a', 'e', 'i', 'o', 'u', 'an', 'en', 'or', 'il'];
const LAND_ENDS = ['dia', 'stan', 'mark', 'via', 'land'];
const TOWN_ENDS = ['ford', 'burg', 'polis', 'haven', 'wick'];
const RIVER_ENDS = ['ne', 'sse', 'ber', 'wash', 'tine'];
const MINERAL_ENDS = ['lite', 'spar', 'nite', 'zine', 'cite'];
const FIRST_NAMES = ['Ada', 'Bruno', 'Clara', 'Dario', 'Elin', 'Farid', 'Greta', 'Hugo', 'Ines', 'Jonas'];
const LAST_NAMES = ['Alder', 'Brandt', 'Castel', 'Dorn', 'Eklund', 'Farrow', 'Gravel', 'Hollis', 'Ibsen'];

const SUBJECTS_PER_RELATION = 30;

/** Distinct names of which none contains another, so that finding an answer in a text is unambiguous. */
function names(source: Random, ends: readonly string[], count: number): string[] {
  const found: string[] = [];
  while (found.length < count) {
    const name = source.pick(STARTS) + source.pick(MIDDLES) + source.pick(ends);
    const lower = name.toLowerCase();
    if (!found.some((other) => lower.includes(other.toLowerCase()) || other.toLowerCase().includes(lower))) {
      found.push(name);
    }
  }
  return found;
}

function people(source: Random, count: number): string[] {
  const found = new Set<string>();
  while (found.size < count) found.add(`${source.pick(FIRST_NAMES)} ${source.pick(LAST_NAMES)}`);
  return [...found];
}

function years(source: Random, count: number): string[] {
  const found = new Set<string>();
  while (found.size < count) found.add(String(1600 + source.below(400)));
  return [...found];
}

/** 150 questions, half of them for training. The world is the same for every seed; only who answers differs. */
export function inventQuestions(): Question[] {
  const source = random(0x5eed);
  const n = SUBJECTS_PER_RELATION;
  const lands = names(source, LAND_ENDS, n);
  const towns = names(source, TOWN_ENDS, n);
  const rivers = names(source, RIVER_ENDS, n);
  const minerals = names(source, MINERAL_ENDS, n);
  const founders = people(source, n);
  const foundings = years(source, n);
  const questions: Question[] = [];
  const ask = (
    relation: string,
    subjects: readonly string[],
    answers: readonly string[],
    text: (subject: string) => string,
    response: (subject: string, answer: string) => string,
  ): void => {
    subjects.forEach((subject, i) => {
      const answer = answers[i];
      if (answer === undefined) return;
      questions.push({
        relation,
        text: text(subject),
        answer,
        distractors: answers.filter((other) => other !== answer),
        respond: (given) => response(subject, given),
        difficulty: 0.2 + 0.5 * source.next(),
        split: i % 2 === 0 ? 'train' : 'test',
      });
    });
  };
  ask(
    'capital',
    lands,
    towns,
    (land) => `What is the capital of ${land}?`,
    (land, town) => `The capital of ${land} is ${town}.`,
  );
  ask(
    'river',
    towns,
    rivers,
    (town) => `Which river flows through ${town}?`,
    (town, river) => `${town} lies on the river ${river}.`,
  );
  ask(
    'mineral',
    lands,
    minerals,
    (land) => `Which mineral is ${land} known for?`,
    (land, mineral) => `${land} is best known for its ${mineral}.`,
  );
  ask(
    'founder',
    towns,
    founders,
    (town) => `Who founded the observatory of ${town}?`,
    (town, person) => `The observatory of ${town} was founded by ${person}.`,
  );
  ask(
    'founding-year',
    towns,
    foundings,
    (town) => `In which year was the observatory of ${town} founded?`,
    (_town, year) => `It was founded in the year ${year}.`,
  );
  return questions;
}
