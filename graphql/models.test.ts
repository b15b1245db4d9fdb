import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StoredVerdict } from '../compute/model/verdicts.ts';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';

const verdict: StoredVerdict = {
  modelHash: 'ab',
  graphVersion: 1,
  provider: 'cpu',
  compute: 'float32',
  runtime: '1.30.0',
  taps: { residual: [0, 1], heads: [0] },
  checks: [{ name: 'alone = in a batch', difference: Number.NaN, tolerance: 0.5, passed: false }],
  passed: false,
  name: 'tiny',
  modelType: 'llama',
  checkedAt: '2026-03-04T05:06:07.000Z',
  machine: 'host',
};

let lake: FakeLake;
let app: FastifyInstance;
beforeAll(async () => {
  lake = await FakeLake.create({});
  const models = {
    verdicts: async () => [verdict, { ...verdict, modelHash: 'cd', checks: [], passed: true }],
  };
  app = await createServer({ reader: lake, models });
});
afterAll(async () => {
  await app.close();
  lake.connection.closeSync();
});

async function ask(query: string, server = app): Promise<unknown> {
  return (await server.inject({ method: 'POST', url: '/graphql', payload: { query } })).json();
}

test('models are shown with their verdicts', async () => {
  const answer = await ask(
    '{ models { name modelHash passed residualPoints headLayers checkedAt checks { name difference tolerance passed } } }',
  );
  const common = { name: 'tiny', residualPoints: [0, 1], headLayers: [0], checkedAt: verdict.checkedAt };
  const checks = [{ name: 'alone = in a batch', difference: null, tolerance: 0.5, passed: false }];
  expect(answer).toMatchObject({
    data: {
      models: [
        { ...common, modelHash: 'ab', passed: false, checks },
        { ...common, modelHash: 'cd', passed: true, checks: [] },
      ],
    },
  });
  expect(await ask('{ models(hash: "cd") { modelHash } }')).toMatchObject({
    data: { models: [{ modelHash: 'cd' }] },
  });
});

test('a server without them says so', async () => {
  const bare = await createServer({ reader: lake });
  expect(await ask('{ models { name } }', bare)).toMatchObject({
    errors: [{ extensions: { code: 'NOT_AVAILABLE' } }],
  });
  await bare.close();
});
