import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freezeManifestSchema } from '../../ingest/contracts/chaosbench/dataset.ts';
import { parseAnswer } from '../../ingest/families/chaosbench/answer/parse-answer.ts';
import { wilsonInterval } from '../../ingest/families/chaosbench/metrics/index.ts';
import {
  datasetFingerprint,
  fingerprintFile,
  legacyFingerprint,
} from '../../ingest/families/chaosbench/policy/index.ts';
import { sharedDir } from '../support/shared.ts';

const folder = `${sharedDir}fixtures/chaosbench/`;
const json = <T>(schema: z.ZodType<T>, name: string): T =>
  schema.parse(JSON.parse(readFileSync(`${folder}${name}`, 'utf8')));

const answer = z.strictObject({
  outcome: z.string(),
  label: z.string().nullable(),
  confidence: z.number(),
  reason: z.string(),
});
const parseCases = z.array(z.looseObject({ text: z.string().nullable(), strict: answer, lenient: answer }));
const numbers = z.looseObject({
  dataset: z.looseObject({ global_sha256: z.string(), legacy_sha256_without_count: z.string() }),
  wilson_table: z.array(z.strictObject({ k: z.number(), n: z.number(), ci: z.array(z.number()) })),
});

describe.skipIf(sharedDir === undefined)('numbers of ChaosBench', () => {
  test('every reference answer is understood the same way, strictly and leniently', () => {
    const cases = json(parseCases, 'parse_cases.json');
    expect(cases).toHaveLength(66);
    for (const { text, strict, lenient } of cases) {
      expect(parseAnswer(text), JSON.stringify(text)).toEqual(strict);
      expect(parseAnswer(text, 'lenient'), JSON.stringify(text)).toEqual(lenient);
    }
  });

  test('Wilson intervals', () => {
    for (const { k, n, ci } of json(numbers, 'expected.json').wilson_table) {
      wilsonInterval(k, n).forEach((bound, i) => {
        expect(bound).toBeCloseTo(ci[i]!, 14);
      });
    }
  });

  test('fingerprints of a dataset from its files, and from a freeze manifest', async () => {
    const { dataset } = json(numbers, 'expected.json');
    const freeze = json(freezeManifestSchema, 'mini_project/artifacts/freeze/v2_freeze_manifest.json');
    const files = await Promise.all(
      freeze.canonical_files.map(({ path }) => {
        const bytes = readFileSync(`${folder}mini_project/${path}`);
        return fingerprintFile(path, [bytes.subarray(0, 1000), bytes.subarray(1000)]);
      }),
    );
    expect(files).toEqual(freeze.canonical_files);
    expect(datasetFingerprint(files.toReversed())).toBe(dataset.global_sha256);
    expect(legacyFingerprint(files)).toBe(dataset.legacy_sha256_without_count);
    const real = json(freezeManifestSchema, 'real/artifacts/freeze/v2_freeze_manifest.json');
    expect(datasetFingerprint(real.canonical_files)).toBe(real.global_sha256);
    expect(legacyFingerprint(real.canonical_files)).toBe(
      '00ec17e31193de42c525ff3c8f166b4b59fae2c2631fa84a4c78b33fb01f9374',
    );
  });
});
