import type { ModelProcess } from '../engine/model-process.ts';
import type { GenerationEvent, GenerationRequest, GenerationSink, GenerationSummary } from './generation.ts';

/**
 * Generates responses in the model's process and hands them to `sink` as they are done.
 * @throws what `ModelProcess.call` throws; InvalidArgumentError for options without meaning; what `sink` throws
 */
export function generate(
  model: ModelProcess,
  request: GenerationRequest,
  sink: GenerationSink,
  signal?: AbortSignal,
): Promise<GenerationSummary> {
  return model.call('generate', request, {
    onEvent: (event) => deliver(event, sink),
    ...(signal === undefined ? {} : { signal }),
  });
}

function deliver(event: GenerationEvent, sink: GenerationSink): void | Promise<void> {
  switch (event.kind) {
    case 'prompt':
      return sink.prompt?.(event);
    case 'sample':
      return sink.sample(event);
    case 'refused':
      return sink.refused(event);
    case 'progress':
      return sink.progress?.(event);
  }
}
