/** Features of a text that know nothing of activations. */

/** Words as scikit-learn's vectorizers see them: two or more letters, digits or underscores, in lower case. */
const WORD = /[\p{L}\p{N}_]{2,}/gu;

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(WORD) ?? [];
}

/** Logarithms of 1 + characters and 1 + words of prompt and response: rows x 4. */
export function lengthFeatures(
  examples: readonly { readonly prompt: string; readonly response: string }[],
): Float32Array {
  return Float32Array.from(
    examples.flatMap(({ prompt, response }) =>
      [prompt, response].flatMap((text) => [Math.log1p(text.length), Math.log1p(wordsOf(text).length)]),
    ),
  );
}

export interface TfIdfOptions {
  /** Words of the vocabulary at most: those in most training texts. */
  readonly maxWords: number;
}

/**
 * TF-IDF as scikit-learn's `TfidfVectorizer` computes it: idf = ln((1 + n) / (1 + df)) + 1, rows of length 1; the vocabulary
 * is that of the training texts, words that are in one of them only left out.
 * @param train 1 for the training texts
 * @returns rows x words, in the order of the texts, and the vocabulary
 */
export function tfIdfFeatures(
  texts: readonly (readonly string[])[],
  train: Uint8Array,
  { maxWords }: TfIdfOptions,
): { readonly features: Float32Array; readonly words: readonly string[] } {
  const documents = new Map<string, number>();
  let count = 0;
  texts.forEach((words, row) => {
    if (train[row] !== 1) return;
    count++;
    for (const word of new Set(words)) documents.set(word, (documents.get(word) ?? 0) + 1);
  });
  const words = [...documents]
    .filter(([, df]) => df > 1)
    .sort(([a, dfA], [b, dfB]) => dfB - dfA || (a < b ? -1 : 1))
    .slice(0, maxWords);
  const places = new Map(
    words.map(([word, df], at) => [word, { at, idf: Math.log((1 + count) / (1 + df)) + 1 }]),
  );
  const features = new Float32Array(texts.length * words.length);
  texts.forEach((own, row) => {
    const line = features.subarray(row * words.length, (row + 1) * words.length);
    for (const word of own) {
      const place = places.get(word);
      if (place !== undefined) line[place.at]! += place.idf;
    }
    const length = Math.hypot(...line.filter((value) => value !== 0));
    if (length > 0) for (let j = 0; j < line.length; j++) line[j]! /= length;
  });
  return { features, words: words.map(([word]) => word) };
}
