import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';
import {
  activationRow,
  generationRow,
  metricRow,
  predictionRow,
  runRow,
  storeRow,
} from './test-support/rows.ts';

let lake: FakeLake;
let app: FastifyInstance;

beforeAll(async () => {
  lake = await FakeLake.create({
    runs: [runRow('main/a', { seed: 1n, method: 'mlp' }), runRow('main/b', { seed: 2n })],
    generations: [
      generationRow('main/a', 'e1', { activation_key: 'k1', prompt: 'p1', response: 'r1', halu: true }),
      generationRow('main/a', 'e2', {
        activation_key: 'k2',
        prompt: 'p2',
        extra: '{"id":12345678901234567890}',
      }),
      generationRow('main/b', 'e1', { prompt: 'p3' }),
    ],
    predictions: [
      predictionRow('main/a', 'e1', { score_halu: 0.25 }),
      predictionRow('main/b', 'e1', { score_halu: Number.NaN }),
    ],
    metrics: [metricRow('main/a', 'auroc', 0.7)],
    run_stores: [storeRow('main/a', 'store')],
    activations: [0, 1, 2].flatMap((layer) => [
      activationRow('store', 'k1', layer),
      activationRow('store', 'k2', layer),
    ]),
  });
  app = await createServer({ reader: lake });
});
afterAll(() => app.close());

async function ask(query: string, variables?: object) {
  const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
  return response.json();
}

describe('rows', () => {
  it('answers a page of generations with prediction, run and last-layer activations', async () => {
    const answer = await ask(`{
      generations(first: 2, orderBy: [{field: EXAMPLE_ID}, {field: RUN_ID, direction: DESC}]) {
        totalCount
        nodes {
          exampleId prompt extra
          prediction { scoreHalu }
          run { id seed ingestedAt metrics { metric value } }
          activations(layer: -1, first: 2) { layer site vector }
          first: activations(layer: 0) { layer packed: vector(encoding: BASE64) }
        }
        pageInfo { hasNextPage }
      }
    }`);
    expect(answer).toMatchInlineSnapshot(`
      {
        "data": {
          "generations": {
            "nodes": [
              {
                "activations": [],
                "exampleId": "e1",
                "extra": null,
                "first": [],
                "prediction": {
                  "scoreHalu": null,
                },
                "prompt": "p3",
                "run": {
                  "id": "main/b",
                  "ingestedAt": "2026-01-01T00:00:00.000Z",
                  "metrics": [],
                  "seed": 2,
                },
              },
              {
                "activations": [
                  {
                    "layer": 2,
                    "site": "resid_post",
                    "vector": [
                      2,
                      0.5,
                      -1,
                    ],
                  },
                ],
                "exampleId": "e1",
                "extra": null,
                "first": [
                  {
                    "layer": 0,
                    "packed": "AAAAAAAAAD8AAIC/",
                  },
                ],
                "prediction": {
                  "scoreHalu": 0.25,
                },
                "prompt": "p1",
                "run": {
                  "id": "main/a",
                  "ingestedAt": "2026-01-01T00:00:00.000Z",
                  "metrics": [
                    {
                      "metric": "auroc",
                      "value": 0.7,
                    },
                  ],
                  "seed": 1,
                },
              },
            ],
            "pageInfo": {
              "hasNextPage": true,
            },
            "totalCount": 3,
          },
        },
        "extensions": {
          "issueCount": 1,
          "issues": [
            {
              "message": "JSON has no such number; SQL and exports have the real value",
              "path": [
                "generations",
                "nodes",
                0,
                "prediction",
                "scoreHalu",
              ],
              "value": "NaN",
            },
          ],
          "snapshot": "s0",
        },
      }
    `);
  });
});
