/**
 * Loads one execution provider and multiplies two matrices on it: `provider-trial.js NAME`. Prints what came of it as JSON. A process
 * of its own: native libraries that do not fit end the process that loads them.
 */
import { tmpdir } from 'node:os';
import { env } from 'onnxruntime-node';
import { messageOf } from '../../../lake/errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { compileGraph } from '../graph/compile.ts';
import type { TrialOutcome } from './provider-trials.ts';
import { providers } from './providers.ts';
import { openSession } from './session.ts';

const SIZE = 4;

function product(): Uint8Array {
  const builder = new GraphBuilder();
  const x = builder.input('x', 'float32', [SIZE, SIZE]);
  builder.output('y', builder.node('MatMul', [x, x]), 'float32', [SIZE, SIZE]);
  return compileGraph(builder.build());
}

async function trial(name: string): Promise<TrialOutcome> {
  const runtime = env.versions.common;
  const provider = providers.find((one) => one.name === name)?.name;
  if (provider === undefined) return { runtime, error: `there is no provider ${name}` };
  try {
    const session = await openSession(product, { provider, folder: tmpdir() });
    const data = new Float32Array(SIZE * SIZE).fill(2);
    const feed = { type: 'float32', data, shape: [SIZE, SIZE] } as const;
    const result = (await session.run({ x: feed }, ['y'])).get('y');
    const right = result?.data.every((value) => value === 4 * SIZE) === true;
    return { runtime, error: right ? null : 'it computes something else than 2 x 2' };
  } catch (error) {
    return { runtime, error: messageOf(error) };
  }
}

process.stdout.write(`${JSON.stringify(await trial(process.argv[2] ?? ''))}\n`, () => process.exit(0));
