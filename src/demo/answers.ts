import { createHash } from 'node:crypto';
import { mixSeed, random } from './random.ts';
import { residualStream, streamSeed, tokensOf } from './stream.ts';
import { inventQuestions, type Question } from './trivia.ts';

export const BENCHMARK = 'exampletrivia';
export const MODEL_ID = 'example/synthetic-4l';

/** One answered question: what every method of a seed shares. */
export interface Answer {
  readonly question: Question;
  readonly exampleId: string;
  /** Key in the activation store: SHA-256 of the prompt. */
  readonly key: string;
  readonly prompt: string;
  readonly response: string;
  readonly halu: boolean;
  readonly promptTokens: number;
  readonly seconds: number;
  /** (layer, token, hidden) row-major, float16 values. */
  readonly stream: Float32Array;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Answers every question once; some wrongly. The label is what matching the answer in the response gives. */
export function answerAll(seed: number): Answer[] {
  return inventQuestions().map((question, index) => {
    const source = random(mixSeed(seed, index, 0xa45));
    const wrong = source.next() < question.difficulty;
    const response = question.respond(wrong ? source.pick(question.distractors) : question.answer);
    const halu = !response.toLowerCase().includes(question.answer.toLowerCase());
    const prompt = `Answer the question in one sentence.\n\nQ: ${question.text}\nA:`;
    return {
      question,
      exampleId: sha256(`${BENCHMARK}${question.split}${prompt}${MODEL_ID}${seed}`),
      key: sha256(prompt),
      prompt,
      response,
      halu,
      promptTokens: tokensOf(prompt).length,
      seconds: Math.round(1000 * (0.05 + 0.01 * tokensOf(response).length + 0.02 * source.next())) / 1000,
      stream: residualStream(response, halu, streamSeed(seed, index)),
    };
  });
}
