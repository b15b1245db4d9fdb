/** Features of a text that know nothing of activations. */

/** Words as scikit-learn's vectorizers see them: two or more letters, digits or underscores, in lower case. */
const WORD = /[\p{L}\p{N}_]{2,}/gu;

/** Words as scikit-learn's default pattern finds them, in lower case: two or more letters, digits or underscores. */
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

/** Texts as numbers of words, so that many long ones can be held. */
export interface WordTable {
  readonly words: readonly string[];
  /** Words of each text, in order, as places in `words`. */
  readonly texts: readonly Uint32Array[];
}

/** The words of texts, each numbered by its first appearance. */
export function wordTable(texts: Iterable<string>): WordTable {
  const places = new Map<string, number>();
  const numbered = Array.from(texts, (text) =>
    Uint32Array.from(wordsOf(text), (word) => {
      const place = places.get(word) ?? places.size;
      places.set(word, place);
      return place;
    }),
  );
  return { words: [...places.keys()], texts: numbered };
}

/**
 * TF-IDF as scikit-learn's `TfidfVectorizer` computes it: idf = ln((1 + n) / (1 + df)) + 1, rows of length 1; the vocabulary
 * is that of the training texts, words that are in one of them only left out.
 * @param train 1 for the training texts
 * @param maxWords words of the vocabulary at most: those in most training texts
 * @returns rows x words, in the order of the texts, and the vocabulary
 */
export function tfIdfFeatures(
  { words, texts }: WordTable,
  train: Uint8Array,
  maxWords: number,
): { readonly features: Float32Array; readonly words: readonly string[] } {
  const frequency = new Uint32Array(words.length);
  let trained = 0;
  texts.forEach((own, row) => {
    if (train[row] !== 1) return;
    trained++;
    for (const word of new Set(own)) frequency[word]!++;
  });
  const chosen = Array.from(frequency, (_, word) => word)
    .filter((word) => frequency[word]! > 1)
    .sort((a, b) => frequency[b]! - frequency[a]! || (words[a]! < words[b]! ? -1 : 1))
    .slice(0, maxWords);
  const columns = new Int32Array(words.length).fill(-1);
  chosen.forEach((word, column) => {
    columns[word] = column;
  });
  const idf = chosen.map((word) => Math.log((1 + trained) / (1 + frequency[word]!)) + 1);
  const features = new Float32Array(texts.length * chosen.length);
  texts.forEach((own, row) => {
    const line = features.subarray(row * chosen.length, (row + 1) * chosen.length);
    for (const word of own) {
      const column = columns[word]!;
      if (column >= 0) line[column]! += idf[column]!;
    }
    const length = Math.sqrt(line.reduce((sum, value) => sum + value * value, 0));
    if (length > 0) for (let column = 0; column < line.length; column++) line[column]! /= length;
  });
  return { features, words: chosen.map((word) => words[word]!) };
}
