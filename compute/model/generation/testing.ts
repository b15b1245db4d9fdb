import type { Model } from '../engine/model.ts';
import type { ModelProcess } from '../engine/model-process.ts';
import { randomFloats, tinyLlamaConfig, tinyLlamaTensors, writeCheckpoint } from '../testing.ts';
import { writeTokenizer } from '../tokenizer/testing.ts';
import { generate } from './generate.ts';
import type {
  GenerationRequest,
  GenerationSummary,
  ProgressEvent,
  PromptEvent,
  RefusedEvent,
  SampleEvent,
} from './generation.ts';
import { generateOperation } from './generator.ts';

/** A checkpoint of random weights that reads and writes bytes: a tiny Llama with the byte tokenizer of the tests. */
export async function writeByteModel(directory: string, seed = 7): Promise<string> {
  const vocabulary = 260;
  const values = randomFloats(vocabulary * tinyLlamaConfig.hidden_size, seed);
  const embedding = {
    type: 'F32',
    shape: [vocabulary, tinyLlamaConfig.hidden_size],
    bytes: new Uint8Array(values.buffer),
  } as const;
  await writeCheckpoint(
    directory,
    { ...tinyLlamaConfig, vocab_size: vocabulary },
    { ...tinyLlamaTensors(), 'model.embed_tokens.weight': embedding },
  );
  return writeTokenizer(directory);
}

/** Everything that a generation told. */
export interface Generated {
  readonly prompts: PromptEvent[];
  readonly samples: SampleEvent[];
  readonly refused: RefusedEvent[];
  readonly progress: ProgressEvent[];
  readonly summary: GenerationSummary;
}

type Events = Omit<Generated, 'summary'>;

function sinkTo(events: Events) {
  return {
    prompt: (event: PromptEvent) => void events.prompts.push(event),
    sample: (event: SampleEvent) => void events.samples.push(event),
    refused: (event: RefusedEvent) => void events.refused.push(event),
    progress: (event: ProgressEvent) => void events.progress.push(event),
  };
}

const noEvents = (): Events => ({ prompts: [], samples: [], refused: [], progress: [] });

/** Generates with a model of this process. */
export async function generateHere(model: Model, request: GenerationRequest): Promise<Generated> {
  const events = noEvents();
  const sink = sinkTo(events);
  const summary = await generateOperation.run(request, {
    model,
    prefix: (tokens) => model.prefill(tokens),
    signal: new AbortController().signal,
    async emit(event) {
      if (event.kind === 'prompt') sink.prompt(event);
      else if (event.kind === 'sample') sink.sample(event);
      else if (event.kind === 'refused') sink.refused(event);
      else sink.progress(event);
    },
  });
  return sorted({ ...events, summary });
}

/** Generates with a model in its process. */
export async function generateThere(
  model: ModelProcess,
  request: GenerationRequest,
  signal?: AbortSignal,
): Promise<Generated> {
  const events = noEvents();
  const summary = await generate(model, request, sinkTo(events), signal);
  return sorted({ ...events, summary });
}

/** In the order of the request. */
function sorted(generated: Generated): Generated {
  generated.prompts.sort((a, b) => a.prompt - b.prompt);
  generated.samples.sort((a, b) => a.prompt - b.prompt || a.sample - b.sample);
  return generated;
}
