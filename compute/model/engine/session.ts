import { InferenceSession, Tensor } from 'onnxruntime-node';
import { messageOf } from '../../../lake/errors.ts';
import type { ComputeType } from '../components/weights.ts';
import { ProviderUnavailableError, RuntimeFailedError } from '../errors.ts';
import { candidates, type Provider, type ProviderName } from './providers.ts';

/** A tensor for a graph input. The data are used where they lie. */
export type Feed =
  | { readonly type: 'float32'; readonly data: Float32Array; readonly shape: readonly number[] }
  | { readonly type: 'int64'; readonly data: BigInt64Array; readonly shape: readonly number[] }
  | { readonly type: 'bool'; readonly data: Uint8Array; readonly shape: readonly number[] };

/** A float32 tensor in C order. */
export interface FloatTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export interface SessionOptions {
  readonly provider: ProviderName | 'auto';
  /** Type of the arithmetic; default: the provider's first. */
  readonly compute?: ComputeType;
  /** Folder of external data. */
  readonly folder: string;
  /** Threads of one operation; ONNX Runtime's default (the physical cores) when undefined. */
  readonly threads?: number;
}

/** A loaded graph. `run` blocks the thread while it computes: keep it in a process of its own. */
export interface Session {
  readonly provider: Provider;
  readonly compute: ComputeType;
  /**
   * @param into where some of the outputs are to be written; the others get memory of their own
   * @throws RuntimeFailedError
   */
  run(
    feeds: Readonly<Record<string, Feed>>,
    outputs: readonly string[],
    into?: Readonly<Record<string, FloatTensor>>,
  ): Promise<Map<string, FloatTensor>>;
  release(): Promise<void>;
}

/**
 * Loads a graph on the first provider that takes it.
 * @param graph its bytes for a type of arithmetic
 * @throws ProviderUnavailableError the one that was asked for does not load; RuntimeFailedError the graph does not
 */
export async function openSession(
  graph: (compute: ComputeType) => Uint8Array,
  options: SessionOptions,
): Promise<Session> {
  const tried: string[] = [];
  for (const provider of candidates(options.provider)) {
    const compute = options.compute ?? provider.computeTypes[0];
    if (!provider.computeTypes.includes(compute)) {
      tried.push(`${provider.name}: computes in ${provider.computeTypes.join(', ')}, not in ${compute}`);
      continue;
    }
    const bytes = graph(compute);
    try {
      const session = await InferenceSession.create(bytes, sessionOptions(provider, options));
      return wrap(session, provider, compute);
    } catch (error) {
      if (provider.name === 'cpu') {
        throw new RuntimeFailedError(`ONNX Runtime does not load the model: ${messageOf(error)}`, {
          cause: error,
        });
      }
      tried.push(`${provider.name}: ${messageOf(error)}`);
    }
  }
  throw new ProviderUnavailableError(`the provider ${options.provider} does not load (${tried.join('; ')})`, {
    remedy: candidates(options.provider)
      .map((one) => `${one.name} needs ${one.needs}`)
      .join('; '),
  });
}

function sessionOptions(provider: Provider, options: SessionOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider.execution],
    graphOptimizationLevel: 'all',
    // Memory planned for one set of shapes is of no use when every batch has another.
    enableMemPattern: false,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    // Warnings go to the standard error; there is one for every node that a GPU leaves to the CPU.
    logSeverityLevel: 3,
    extra: { session: { model_external_initializers_file_folder_path: options.folder } },
  };
}

function wrap(session: InferenceSession, provider: Provider, compute: ComputeType): Session {
  return {
    provider,
    compute,
    async run(feeds, outputs, into = {}) {
      const tensors = Object.fromEntries(
        Object.entries(feeds).map(([name, { type, data, shape }]) => [name, new Tensor(type, data, shape)]),
      );
      const fetches = Object.fromEntries(
        outputs.map((name) => {
          const place = into[name];
          return [name, place === undefined ? null : new Tensor('float32', place.data, place.shape)];
        }),
      );
      let results: InferenceSession.ReturnType;
      try {
        results = await session.run(tensors, fetches);
      } catch (error) {
        throw new RuntimeFailedError(`ONNX Runtime failed: ${messageOf(error)}`, { cause: error });
      }
      return new Map(outputs.map((name) => [name, floats(name, results[name])]));
    },
    release: () => session.release(),
  };
}

function floats(name: string, tensor: Tensor | undefined): FloatTensor {
  if (!(tensor?.data instanceof Float32Array))
    throw new RuntimeFailedError(`output ${name} is no float32 tensor`);
  return { data: tensor.data, shape: tensor.dims };
}
