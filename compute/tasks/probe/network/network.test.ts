import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { LocalStore } from '../../../../lake/store/local-store.ts';
import { pythonHas, pythonJson } from '../../../../test/support/python.ts';
import type { Feed } from '../../../model/engine/session.ts';
import { seededRandom } from '../../../stats/index.ts';
import { ledoitWolf, whiteningOf } from '../contrastive/covariance.ts';
import { Neighbours } from '../contrastive/neighbours.ts';
import { adamState, adamStep } from './adam.ts';
import { TrainingCheckpoint } from './checkpoint.ts';
import { initialParameters, parameterCount } from './dense.ts';
import { crossEntropy, positivePairs, supervisedContrastive } from './losses.ts';
import { matrixFeed, Trainer } from './training.ts';

const random = seededRandom(5);
const normals = (length: number, scale = 1): Float32Array =>
  Float32Array.from({ length }, () => scale * random.normal());

const EXAMPLES = 6;
const IGNORED = Uint8Array.of(1, 0, 0, 1, 0, 0);
const MASKED = 1 / (1 - 0.25);
const TEMPERATURES = { temperature: 0.25, baseTemperature: 0.07 };

/** Two networks with a batch each, masks drawn once. */
async function cases() {
  const mask = (length: number) => Float32Array.from({ length }, (_, i) => (i % 4 === 1 ? 0 : MASKED));
  const labels = Float32Array.from(IGNORED);
  const mlp = await Trainer.open({ widths: [5, 7, 4, 1], dropout: [0, 0.25, 0.25] }, crossEntropy, 1);
  const compressor = await Trainer.open(
    { widths: [5, 8, 3], dropout: [0.25, 0] },
    supervisedContrastive(TEMPERATURES),
    1,
  );
  const mlpBatch: Record<string, Feed> = {
    features: matrixFeed(normals(EXAMPLES * 5), EXAMPLES),
    labels: matrixFeed(labels, EXAMPLES),
    row_weights: matrixFeed(new Float32Array(EXAMPLES).fill(1 / EXAMPLES), EXAMPLES),
    mask_1: matrixFeed(mask(EXAMPLES * 7), EXAMPLES),
    mask_2: matrixFeed(mask(EXAMPLES * 4), EXAMPLES),
  };
  const pairBatch: Record<string, Feed> = {
    features: matrixFeed(normals(2 * EXAMPLES * 5), 2 * EXAMPLES),
    pairs: matrixFeed(positivePairs(IGNORED), 2 * EXAMPLES),
    mask_0: matrixFeed(mask(2 * EXAMPLES * 5), 2 * EXAMPLES),
  };
  return [
    { name: 'cross entropy', trainer: mlp, batch: mlpBatch },
    { name: 'supervised contrastive', trainer: compressor, batch: pairBatch },
  ].map((one) => ({ ...one, parameters: initialParameters(one.trainer.network.widths, random) }));
}

describe('a training step', async () => {
  const all = await cases();
  afterAll(() => Promise.all(all.map(({ trainer }) => trainer.close())));

  test.each(all)('has the gradients that differences give: $name', async ({ trainer, batch, parameters }) => {
    const gradients = new Float32Array(parameters.length);
    const scratch = new Float32Array(parameters.length);
    await trainer.step(parameters, batch, gradients);
    const lossAt = async (shift: Float32Array, factor: number): Promise<number> => {
      const moved = parameters.map((value, i) => value + factor * shift[i]!);
      return (await trainer.step(moved, batch, scratch))['loss']!;
    };
    // Along random directions: a difference for each parameter would drown in single precision.
    for (let turn = 0; turn < 8; turn++) {
      const direction = normals(parameters.length, 1 / Math.sqrt(parameters.length));
      const expected = ((await lossAt(direction, 2e-3)) - (await lossAt(direction, -2e-3))) / 4e-3;
      const found = direction.reduce((sum, value, i) => sum + value * gradients[i]!, 0);
      expect(Math.abs(found - expected)).toBeLessThan(2e-3 + 0.02 * Math.abs(expected));
    }
  });

  test.skipIf(!pythonHas('torch'))('agrees with PyTorch, and so does Adam with clipping', async () => {
    const steps = 3;
    const settings = { learningRate: 0.01, clip: 0.5 };
    const given = all.map(({ trainer, batch, parameters }) => ({
      widths: trainer.network.widths,
      parameters: [...parameters],
      batch: Object.fromEntries(
        Object.entries(batch).map(([name, { data, shape }]) => [
          name,
          { data: Array.from(data, Number), shape },
        ]),
      ),
    }));
    const numbers = z.array(z.number());
    const expected = z
      .array(z.object({ loss: z.number(), cosine: z.number(), gradients: numbers, trained: numbers }))
      .parse(
        pythonJson(PYTORCH, [
          JSON.stringify({ given, steps, ignored: [...IGNORED], ...settings, ...TEMPERATURES }),
        ]),
      );
    for (const [i, { trainer, batch, parameters, name }] of all.entries()) {
      const reference = expected[i]!;
      const gradients = new Float32Array(parameters.length);
      const told = await trainer.step(parameters, batch, gradients);
      expect(told['loss'], name).toBeCloseTo(reference.loss, 5);
      if (i === 1) expect(told['cosine_sim']).toBeCloseTo(reference.cosine, 5);
      reference.gradients.forEach((value, at) => {
        expect(Math.abs(gradients[at]! - value), `${name} ${at}`).toBeLessThan(1e-5 + 1e-4 * Math.abs(value));
      });
      const state = adamState(Float32Array.from(parameters));
      for (let step = 0; step < steps; step++) {
        await trainer.step(state.parameters, batch, gradients);
        adamStep(state, gradients, settings);
      }
      reference.trained.forEach((value, at) => {
        expect(Math.abs(state.parameters[at]! - value), `${name} trained ${at}`).toBeLessThan(2e-4);
      });
    }
  });

  test('whitening makes the covariance the identity', () => {
    const dim = 4;
    const rows = 300;
    const vectors = normals(rows * dim);
    for (let at = 0; at < vectors.length; at += dim) vectors[at]! += 3 * vectors[at + 1]! + 10;
    const { mean, matrix } = whiteningOf(vectors, dim);
    const { covariance } = ledoitWolf(vectors, dim);
    for (let i = 0; i < dim; i++)
      for (let j = 0; j < dim; j++) {
        let value = 0;
        for (let a = 0; a < dim; a++)
          for (let b = 0; b < dim; b++)
            value += matrix[a * dim + i]! * covariance[a * dim + b]! * matrix[b * dim + j]!;
        expect(value).toBeCloseTo(i === j ? 1 : 0, 4);
      }
    expect(mean[0]).toBeCloseTo(vectors.reduce((sum, v, at) => sum + (at % dim === 0 ? v : 0), 0) / rows, 4);
  });
});

test('a checkpoint gives back what it was given, and nothing once it is damaged', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'runlake-checkpoint-'));
  const { signal } = new AbortController();
  try {
    const store = new LocalStore(directory);
    const checkpoint = new TrainingCheckpoint(store, 'one', 0);
    expect(await checkpoint.read(3, signal)).toBeUndefined();
    const best = { epoch: 2, value: -0.5, auroc: null };
    const adam = { parameters: normals(3), first: normals(3), second: normals(3), steps: 9 };
    const log = [{ epoch: 1, loss: 0.1 + 0.2 }];
    const state = { epoch: 4, adam, best, bestParameters: normals(3), log };
    await checkpoint.write(state, signal);
    expect(await checkpoint.read(3, signal)).toEqual(state);
    expect(await checkpoint.read(2, signal)).toBeUndefined();
    const bytes = Buffer.from(await store.get('one', { signal }));
    for (const at of [3, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1;
      await store.put('one', damaged, { signal });
      expect(await checkpoint.read(3, signal)).toBeUndefined();
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('neighbours are those of other prompts, near ones first', async () => {
  const at = (...angles: number[]) => Float32Array.from(angles.flatMap((a) => [Math.cos(a), Math.sin(a)]));
  const neighbours = await Neighbours.open(2, 1);
  const bank = { vectors: at(0, 0.1, 0.3), groups: [1, 2, 3] };
  const rows = { vectors: at(0, 0.2), groups: [1, 4] };
  const chord = (angle: number): number => 2 * Math.sin(angle / 2);
  const found = await neighbours.distances(rows, bank, [1, 2, 9]);
  await neighbours.close();
  const expected = [
    [0.1, 0.1],
    [0.3, 0.1],
    [0.3, 0.2],
  ];
  expected.forEach((angles, k) => {
    angles.forEach((angle, row) => {
      expect(found[k]![row]).toBeCloseTo(chord(angle), 3);
    });
  });
});

test('positive pairs: every row has the same share, hallucinations only their own other view', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 2, maxLength: 12 }), (ignored) => {
      const rows = 2 * ignored.length;
      const pairs = positivePairs(ignored);
      for (let row = 0; row < rows; row++) {
        const own = pairs.subarray(row * rows, (row + 1) * rows);
        expect(own[row]).toBe(0);
        expect(own[(row + ignored.length) % rows]).toBeGreaterThan(0);
        expect(own.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1 / rows, 6);
        if (ignored[row % ignored.length] === 1) expect(own.filter((value) => value > 0).length).toBe(1);
      }
    }),
    { numRuns: 30 },
  );
  expect(parameterCount([4, 3, 2])).toBe(23);
});

/** The same networks and losses written as people write them with PyTorch. */
const PYTORCH = `
import json, sys, torch
torch.set_num_threads(1)
asked = json.loads(sys.argv[1])
ignored = torch.tensor(asked["ignored"])

def tensors(flat, widths):
    found, at = [], 0
    for a, b in zip(widths, widths[1:]):
        found.append((flat[at:at + a * b].view(a, b), flat[at + a * b:at + (a + 1) * b]))
        at += (a + 1) * b
    return found

def supcon(output):
    z = torch.nn.functional.normalize(output, dim=1)
    logits = z @ z.T / asked["temperature"]
    rows = len(z)
    label = ignored.repeat(2)
    own = torch.arange(rows) % (rows // 2)
    positive = (own[:, None] == own[None]) | ((label[:, None] == 0) & (label[None] == 0))
    positive &= ~torch.eye(rows, dtype=torch.bool)
    logits = logits.masked_fill(torch.eye(rows, dtype=torch.bool), float("-inf"))
    log_prob = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    mean = log_prob.masked_fill(~positive, 0).sum(1) / positive.sum(1)
    cosine = (z[:rows // 2] * z[rows // 2:]).sum(1).mean()
    return -(asked["temperature"] / asked["baseTemperature"]) * mean.mean(), cosine.item()

def loss_of(flat, one):
    batch = {k: torch.tensor(v["data"], dtype=torch.float32).view(v["shape"]) for k, v in one["batch"].items()}
    value = batch["features"]
    for layer, (weights, biases) in enumerate(tensors(flat, one["widths"])):
        if layer:
            value = torch.relu(value)
        if f"mask_{layer}" in batch:
            value = value * batch[f"mask_{layer}"]
        value = value @ weights + biases
    if "pairs" in batch:
        return supcon(value)
    return torch.nn.functional.binary_cross_entropy_with_logits(value, batch["labels"]), 0.0

answers = []
for one in asked["given"]:
    flat = torch.tensor(one["parameters"], dtype=torch.float32, requires_grad=True)
    loss, cosine = loss_of(flat, one)
    loss.backward()
    answer = dict(loss=loss.item(), cosine=cosine, gradients=flat.grad.tolist())
    adam = torch.optim.Adam([flat], lr=asked["learningRate"])
    for _ in range(asked["steps"]):
        adam.zero_grad()
        loss_of(flat, one)[0].backward()
        torch.nn.utils.clip_grad_norm_([flat], asked["clip"])
        adam.step()
    answers.append(dict(answer, trained=flat.detach().tolist()))
json.dump(answers, sys.stdout)
`;
