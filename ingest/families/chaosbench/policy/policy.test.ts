import { describe, expect, test } from 'vitest';
import { datasetFingerprint, fingerprintFile, judge, promptHash, verdictReasons } from './index.ts';

const MANIFEST = {
  canonical_selector: 'data/canonical_v2_files.json',
  dataset_global_sha256: 'a'.repeat(64),
  prompt_hash: '5881f664c444e3d3',
  max_items: null,
  git_commit: '956ba40',
  total_items_evaluated: 10,
  provider: 'ollama/x',
};
const KNOWLEDGE = {
  fingerprint: 'a'.repeat(64),
  legacyFingerprint: 'b'.repeat(64),
  totalItems: 10,
  commitTagged: true,
};

const judged = (
  manifest: Partial<Parameters<typeof judge>[0]>,
  knowledge: Partial<Parameters<typeof judge>[1]> = {},
) => {
  const verdict = judge({ ...MANIFEST, ...manifest }, { ...KNOWLEDGE, ...knowledge });
  return [verdict.verdict, ...verdictReasons(verdict)];
};

describe('the verdict', () => {
  test('official takes all five criteria', () => {
    expect(judged({})).toEqual(['OFFICIAL']);
    expect(judged({ canonical_selector: 'data/other.json' })).toEqual(['EXPLORATORY', 'canonical_selector']);
    expect(judged({ dataset_global_sha256: 'unavailable' })).toEqual([
      'EXPLORATORY',
      'dataset_global_sha256',
    ]);
    expect(judged({ prompt_hash: '37dec1c9b71ff4e3' })).toEqual(['EXPLORATORY', 'prompt_hash']);
    expect(judged({ max_items: 120 })).toEqual(['EXPLORATORY', 'max_items']);
    expect(judged({ max_items: 0 })).toEqual(['EXPLORATORY', 'max_items']);
    expect(judged({ git_commit: null })).toEqual(['EXPLORATORY', 'git_commit']);
    expect(judged({}, { commitTagged: false })).toEqual(['EXPLORATORY', 'git_commit']);
  });

  test('documented subsets are official; flags alone decide nothing', () => {
    expect(judged({ max_items: 200n, total_items_evaluated: 200 })).toEqual(['OFFICIAL']);
    expect(judged({ total_items_evaluated: 9 })).toEqual(['OFFICIAL', 'subset_without_max_items']);
    expect(judged({ provider: 'mock' })).toEqual(['OFFICIAL', 'mock_provider']);
  });

  test('the legacy fingerprint fails, with its own flag', () => {
    expect(judged({ dataset_global_sha256: 'b'.repeat(64) })).toEqual([
      'EXPLORATORY',
      'dataset_global_sha256',
      'sha_matches_legacy_formula',
    ]);
  });

  test('without knowledge a criterion is not met, and says so', () => {
    expect(judged({}, { fingerprint: undefined, totalItems: undefined, commitTagged: undefined })).toEqual([
      'EXPLORATORY',
      'dataset_global_sha256',
      'git_commit',
      'dataset_unknown',
      'git_tags_unknown',
    ]);
  });
});

describe('fingerprints', () => {
  test('count lines that are not blank, wherever the chunks end', async () => {
    const text = Buffer.from('{"a":1}\n\n  \t\r\n{"b":2}\r\nlast without newline');
    for (const size of [1, 2, 7, 100]) {
      const chunks = [];
      for (let at = 0; at < text.length; at += size) chunks.push(text.subarray(at, at + size));
      expect(await fingerprintFile('f', chunks)).toEqual({
        path: 'f',
        count: 3,
        // sha256sum of the text
        sha256: 'cf4082fab735102a84d93cc6e74539739e42b531cb155973b88f6857cf72c941',
      });
    }
  });

  test('sort paths by code point', () => {
    const file = (path: string) => ({ path, count: 1, sha256: '0'.repeat(64) });
    const astral = file('data/\u{1F600}.jsonl');
    const privateUse = file('data/\uE000.jsonl');
    expect(datasetFingerprint([astral, privateUse])).toBe(datasetFingerprint([privateUse, astral]));
    // hashlib.sha256 over the two lines in the order of Python's sorted().
    expect(datasetFingerprint([astral, privateUse])).toBe(
      'b6c42a52adb248960ce10dd324ba1570d1aeaa5a4abc97a2ef468a7dfc6dd612',
    );
  });

  test('of a prompt: 16 digits over instruction, newline and template', () => {
    // hashlib.sha256("Answer.\n{question}".encode()).hexdigest()[:16]
    expect(promptHash('Answer.', '{question}')).toBe('5dbab9e8f2caf9a4');
  });
});
