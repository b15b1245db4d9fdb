import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type CompareOptions, compareRuns, type RunComparison } from '../../compute/compare/compare.ts';
import { findComparedRuns, readPairs } from '../../compute/compare/pairs.ts';
import type { PairedCorrectness } from '../../compute/compare/statistics.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../../ingest/testing.ts';
import { addCommands } from '../../src/commands/commands.ts';
import { pythonHas, pythonJson } from '../support/python.ts';
import { sharedDir } from '../support/shared.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const fixtures = `${sharedDir ?? ''}fixtures`;
const chaos = `${fixtures}/chaosbench/mini_project`;
const hallulens = `${fixtures}/hallulens/good`;
const probes = `${hallulens}/runs/2026-01-20`;
const STORE = 'triviaqa/hallulens-test__tiny-llama-4l/seed_0';
const MODEL = 'hallulens-test__tiny-llama-4l/triviaqa/seed_0';

/** Reads the artifacts themselves, and computes by definition or with scipy and scikit-learn. */
const REFERENCE = `
import csv, glob, json, sys
import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score

def correctness(pairs):
    right = np.array(pairs, dtype=bool)
    a, b = right[:, 0], right[:, 1]
    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    n = len(right)
    def wilson(k):
        ci = stats.binomtest(int(k), n).proportion_ci(0.95, "wilson")
        return [k / n, ci.low, ci.high]
    (p2, l2, u2), (p1, l1, u1) = wilson(int(a.sum())), wilson(int(b.sum()))
    table = [(a & b).sum(), only_b, only_a, (~a & ~b).sum()]
    product = int(table[0] * table[3] - table[1] * table[2])
    margins = float(b.sum() * (~b).sum()) * float(a.sum() * (~a).sum())
    phi = 0 if margins == 0 else (max(product - n / 2, 0) if product > 0 else product) / margins ** 0.5
    low = p1 - p2 - ((p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2) ** 0.5
    high = p1 - p2 + ((u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2) ** 0.5
    p = 1.0 if only_a + only_b == 0 else float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)
    return dict(counts=[n, only_a, only_b], numbers=[p2, l2, u2, p1, l1, u1, p1 - p2, low, high, p])

def chaos(run):
    lines = [json.loads(line) for line in open(glob.glob(run + "/**/predictions.jsonl", recursive=True)[0])]
    ids = [r["id"] for r in lines]
    return {r["id"]: r for r in lines if ids.count(r["id"]) == 1}

a, b = chaos(sys.argv[1]), chaos(sys.argv[2])
both = [i for i in a if i in b]
judged = [i for i in both if a[i]["correct"] is not None and b[i]["correct"] is not None]
pairs = lambda ids: [(a[i]["correct"], b[i]["correct"]) for i in ids]
families = sorted({a[i]["task_family"] for i in judged})
out = dict(common=len(both), overall=correctness(pairs(judged)),
    families={f: correctness(pairs([i for i in judged if a[i]["task_family"] == f])) for f in families})
ps = np.array([out["families"][f]["numbers"][-1] for f in families])
order = np.argsort(ps, kind="stable")
holm = np.empty(len(ps))
holm[order] = np.minimum(1, np.maximum.accumulate(ps[order] * np.arange(len(ps), 0, -1)))
out["holm"] = dict(zip(families, holm.tolist()))

def probe(run):
    return {r["example_id"]: r for r in csv.DictReader(open(run + "/predictions.csv"))}
a, b = probe(sys.argv[3]), probe(sys.argv[4])
ids = sorted(set(a) & set(b))
y = np.array([int(a[i]["label_halu"]) for i in ids])
assert all(a[i]["label_halu"] == b[i]["label_halu"] for i in ids)
s = [np.array([float(r[i]["score_halu"]) for i in ids]) for r in (a, b)]
def parts(s):
    wins = np.sign(s[y == 1][:, None] - s[y == 0][None, :]) / 2 + 0.5
    return wins.mean(1), wins.mean(0)
(pa, na), (pb, nb) = map(parts, s)
var = lambda p, n: np.var(p, ddof=1) / len(p) + np.var(n, ddof=1) / len(n)
z = stats.norm.ppf(0.975)
aucs = [float(roc_auc_score(y, x)) for x in s]
se = [var(pa, na) ** 0.5, var(pb, nb) ** 0.5]
d, se_d = aucs[1] - aucs[0], var(pb - pa, nb - na) ** 0.5
p = 2 * stats.norm.sf(abs(d / se_d))
rng = np.random.default_rng(0)
pos, neg = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
drawn = []
for _ in range(2000):
    i, j = rng.choice(pos, len(pos)), rng.choice(neg, len(neg))
    wins = lambda x: (np.sign(x[i][:, None] - x[j][None, :]) / 2 + 0.5).mean()
    drawn.append(wins(s[1]) - wins(s[0]))
out["ranking"] = dict(n=len(ids), positives=int(y.sum()), numbers=[
    aucs[0], max(0, aucs[0] - z * se[0]), min(1, aucs[0] + z * se[0]),
    aucs[1], max(0, aucs[1] - z * se[1]), min(1, aucs[1] + z * se[1]), d, float(p)],
    bootstrap=np.percentile(drawn, [2.5, 97.5]).tolist())
right = lambda r, i: (r[i]["pred_halu"] == r[i]["label_halu"])
out["probes"] = correctness([(right(a, i), right(b, i)) for i in ids])
json.dump(out, sys.stdout)
`;

const numbers = z.array(z.number());
const judgedSchema = z.object({ counts: numbers, numbers });
const referenceSchema = z.object({
  common: z.number(),
  overall: judgedSchema,
  families: z.record(z.string(), judgedSchema),
  holm: z.record(z.string(), z.number()),
  probes: judgedSchema,
  ranking: z.object({ n: z.number(), positives: z.number(), numbers, bootstrap: numbers }),
});

function expectClose(found: readonly (number | null)[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 9);
  });
}

function expectCorrectness(found: PairedCorrectness | null, expected: z.infer<typeof judgedSchema>): void {
  if (found === null) throw new Error('no correctness');
  const { n, onlyARight, onlyBRight, accuracyA, accuracyB, difference, test } = found;
  expect([n, onlyARight, onlyBRight]).toEqual(expected.counts);
  const estimates = [accuracyA, accuracyB, difference].flatMap(({ value, low, high }) => [value, low, high]);
  expectClose([...estimates, test.pValue], expected.numbers);
}

describe.skipIf(sharedDir === undefined || !pythonHas('numpy', 'scipy', 'sklearn'))('comparing runs', () => {
  const links = {
    'chaos/data': `${chaos}/data`,
    'chaos/runs/full_good': `${chaos}/runs/full_good`,
    'chaos/runs/full_messy': `${chaos}/runs/full_messy`,
    [`probes/activations/${STORE}`]: `${hallulens}/activations/${STORE}`,
    [`probes/runs/2026-01-20/contrastive_v1/${MODEL}`]: `${probes}/contrastive_v1/${MODEL}`,
    [`probes/runs/2026-01-20/last_layer_baseline/${MODEL}`]: `${probes}/last_layer_baseline/${MODEL}`,
  };
  const tree = temporaryTree({});
  let lake: TemporaryLake;
  let expected: z.infer<typeof referenceSchema>;
  const ids: string[] = [];
  const named = (part: string) => ids.find((id) => id.includes(part)) ?? part;

  const compare = async (a: string, b: string, options?: CompareOptions): Promise<RunComparison> => {
    const snapshot = await lake.lake.snapshot();
    const runs = await findComparedRuns(lake.lake, snapshot, [named(a), named(b)]);
    const tooMany = () => new Error('too many');
    return compareRuns(await readPairs(lake.lake, snapshot, runs, { maxExamples: 10_000, tooMany }), options);
  };

  beforeAll(async () => {
    for (const [name, target] of Object.entries(links)) {
      mkdirSync(dirname(join(tree.path, name)), { recursive: true });
      symlinkSync(target, join(tree.path, name));
    }
    lake = await temporaryLake();
    const report = await ingest(lake.writer, [tree.path], { families: FAMILIES });
    expect(report.runs.map(({ status }) => status)).toEqual(Array(4).fill('ingested'));
    ids.push(...report.runs.map(({ runId }) => runId));
    const [, good, messy, , contrastive, baseline] = Object.values(links);
    expected = referenceSchema.parse(pythonJson(REFERENCE, [good!, messy!, contrastive!, baseline!]));
  });
  afterAll(async () => {
    await lake.remove();
    tree.remove();
  });

  it('agrees on correctness, overall and by task family, with scipy and the definitions', async () => {
    const { common, correctness, scopes, ranking } = await compare('synth-good', 'synth-messy');
    expect(common).toBe(expected.common);
    expectCorrectness(correctness, expected.overall);
    expect(scopes.map(({ scope }) => scope)).toEqual(
      Object.keys(expected.families).map((name) => `family:${name}`),
    );
    for (const scope of scopes) {
      const name = scope.scope.slice('family:'.length);
      expectCorrectness(scope, expected.families[name]!);
      expectClose([scope.test.adjustedPValue], [expected.holm[name]!]);
    }
    expect(ranking).toBeNull();
  });

  it('agrees on AUROCs with scikit-learn and the definition of DeLong', async () => {
    const { correctness, ranking, labelsDiffer } = await compare('contrastive_v1', 'last_layer_baseline');
    expect(labelsDiffer).toBe(0);
    expectCorrectness(correctness, expected.probes);
    if (ranking === null) throw new Error('no ranking');
    const { n, positives, aurocA, aurocB, difference, test } = ranking;
    expect([n, positives]).toEqual([expected.ranking.n, expected.ranking.positives]);
    const estimates = [aurocA, aurocB].flatMap(({ value, low, high }) => [value, low, high]);
    expectClose([...estimates, difference.value, test.pValue], expected.ranking.numbers);
    // Other random numbers: the ends of 2,000 resamples stray by some hundredths of the interval.
    const [low, high] = expected.ranking.bootstrap;
    const slack = 0.1 * (high! - low!);
    expect(Math.abs(difference.low! - low!)).toBeLessThan(slack);
    expect(Math.abs(difference.high! - high!)).toBeLessThan(slack);
  });

  it('has no difference of a run from itself', async () => {
    const { counts, correctness, ranking } = await compare('contrastive_v1', 'contrastive_v1');
    expect(counts).toMatchObject({ lost: 0, gained: 0, changed: 0 });
    expect(correctness?.test.pValue).toBe(1);
    expect(ranking).toMatchObject({ difference: { value: 0, low: 0, high: 0 }, test: { pValue: 1 } });
  });

  it('is printed by the command, as tables or as JSON', async () => {
    let output = '';
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      output += String(text);
      return true;
    });
    const run = async (...more: string[]) => {
      output = '';
      const store = ['--store', `file:${lake.directory}/store`, '--home', `${lake.directory}/cli`];
      const args = ['compare', named('contrastive_v1'), named('last_layer_baseline'), ...store, ...more];
      const program = new Command('runlake').exitOverride();
      await addCommands(program, args);
      await program.parseAsync(args, { from: 'user' });
      return output;
    };
    try {
      const text = await run('--flips', '1');
      for (const part of ['McNemar, exact', 'Wilson', 'Newcombe', 'DeLong', 'paired bootstrap', 'more'])
        expect(text).toContain(part);
      expect(JSON.parse(await run('--json'))).toMatchObject({ ranking: { n: expected.ranking.n } });
    } finally {
      spy.mockRestore();
    }
  });
});
