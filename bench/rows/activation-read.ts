import { z } from 'zod';
import type { Lake } from '../../lake/lake.ts';
import { activationLake } from '../data/activation-lake.ts';
import { dataFiles, graphqlSession } from '../lakes.ts';
import { interleave, type Measured } from '../measure.ts';
import { PythonWorker } from '../processes.ts';
import { pythonScript } from '../scratch.ts';
import type { Bench, Outcome } from '../types.ts';

const pythonAnswer = z.object({ seconds: z.number(), rows: z.number(), sum: z.number() });

const QUERY = `query ($keys: [String!], $layer: Int, $token: Int) {
  activations(layer: $layer, first: 1000, filter: { activationKey: { in: $keys }, tokenIndex: { eq: $token } }) {
    nodes { activationKey vector(encoding: BASE64) }
  }
}`;

/** What is asked: the vectors of some entries at one layer and token. */
interface Request {
  readonly keys: readonly string[];
  readonly layer: number;
  readonly token: number;
}

/** Single vectors by key, and 100 scattered over the files, against pyarrow on the same files. */
export const activationRead: Bench = {
  name: 'activation-read',
  doc: 'one activation by key and 100 scattered ones, against pyarrow on the same Parquet files',
  async run(context) {
    const { lake, size } = await activationLake(context);
    const files = await dataFiles(lake, 'activations');
    context.log(
      `${size.entries * size.layers * size.tokens} vectors of ${size.hidden} in ${files.length} files`,
    );
    const session = await graphqlSession(lake);
    const python = new PythonWorker(pythonScript('read_activations.py'), [String(context.threads)]);
    try {
      const all = (await lakeKeys(lake)).map(String);
      const outcomes: Outcome[] = [];
      for (const [what, count] of [
        ['one activation by key', 1],
        ['100 scattered activations', 100],
      ] as const) {
        let turn = 0;
        const next = (): Request => {
          turn++;
          const stride = Math.max(1, Math.floor(all.length / count));
          const keys = Array.from({ length: count }, (_, i) => all[(turn * 7 + i * stride) % all.length]!);
          return { keys, layer: (turn * 5) % size.layers, token: turn % size.tokens };
        };
        const viaPython =
          (how: string): Measured =>
          async () => {
            const request = next();
            const answer = pythonAnswer.parse(await python.ask({ how, files, ...request }));
            if (answer.rows !== count) throw new Error(`pyarrow found ${answer.rows} rows, not ${count}`);
            return answer.seconds;
          };
        const times = await interleave(
          {
            reader: () => timed(next(), count, (request) => readVectors(lake, request)),
            graphql: () =>
              timed(next(), count, async ({ keys, layer, token }) => {
                const body = await session.ask(QUERY, { keys, layer, token });
                return body.split('"vector"').length - 1;
              }),
            read_table: viaPython('read_table'),
            dataset: viaPython('dataset'),
          },
          { repetitions: 5 * context.repetitions, warmups: 3 },
        );
        for (const [name, target] of [
          ['reader', true],
          ['graphql', true],
        ] as const) {
          for (const reference of ['read_table', 'dataset'] as const) {
            outcomes.push({
              what: `${what}, ${name === 'reader' ? 'reader' : 'GraphQL'}`,
              unit: 's',
              ours: times[name],
              reference: times[reference],
              against: `pyarrow ${reference}`,
              value: times[name].median / times[reference].median,
              ...(target && reference === 'read_table' ? { target: { relation: '<=', value: 1 } } : {}),
            });
          }
        }
      }
      await checkSameValues(lake, python, files, all);
      return outcomes;
    } finally {
      python.close();
      await session.close();
      await lake.close();
    }
  },
};

async function lakeKeys(lake: Lake): Promise<readonly unknown[]> {
  const relation = await lake.relation(await lake.snapshot(), 'generations');
  const result = await lake.query(`SELECT activation_key FROM ${relation.sql} ORDER BY activation_key`);
  return result.rows.map(([key]) => key);
}

/** Rows that were read. */
async function readVectors(lake: Lake, request: Request): Promise<number> {
  return (await vectorRows(lake, request)).length;
}

async function vectorRows(lake: Lake, { keys, layer, token }: Request) {
  const snapshot = await lake.snapshot();
  const relation = await lake.relation(snapshot, 'activations', [
    { column: 'activation_key', in: keys },
    { column: 'layer', in: [layer] },
    { column: 'token_index', in: [token] },
  ]);
  const holders = keys.map((_, i) => `$${i + 3}`).join(', ');
  const { rows } = await lake.query(
    `SELECT activation_key, vector FROM ${relation.sql}
     WHERE layer = $1 AND token_index = $2 AND activation_key IN (${holders})`,
    { params: [layer, token, ...keys] },
  );
  return rows;
}

async function timed(
  request: Request,
  expected: number,
  read: (request: Request) => Promise<number>,
): Promise<number> {
  const started = performance.now();
  const rows = await read(request);
  const took = (performance.now() - started) / 1000;
  if (rows !== expected) throw new Error(`found ${rows} rows, not ${expected}`);
  return took;
}

/** Both sides must have read the same numbers, or the comparison is worth nothing. */
async function checkSameValues(
  lake: Lake,
  python: PythonWorker,
  files: readonly string[],
  keys: readonly string[],
): Promise<void> {
  const request: Request = { keys: keys.slice(0, 3), layer: 3, token: 2 };
  let sum = 0;
  for (const [, vector] of await vectorRows(lake, request)) {
    if (vector instanceof Float32Array) for (const value of vector) sum += value;
  }
  const answer = pythonAnswer.parse(await python.ask({ how: 'read_table', files, ...request }));
  if (Math.abs(sum - answer.sum) > 1e-6 * Math.max(1, Math.abs(sum))) {
    throw new Error(`the vectors differ: ${sum} here, ${answer.sum} in pyarrow`);
  }
}
