import { PermanentTaskError } from '../../jobs/worker.ts';
import type { TaskServices } from '../task.ts';
import type { ModelSpec } from './model-spec.ts';
import type { CaptureWish } from './onnx/onnx-model.ts';
import { OpenAiModel } from './openai/openai-model.ts';
import type { TextModel } from './text-model.ts';

/** Opens the model of a specification. @throws PermanentTaskError for one that cannot be used */
export async function openTextModel(
  spec: ModelSpec,
  capture: CaptureWish | undefined,
  services: TaskServices,
  signal: AbortSignal,
): Promise<TextModel> {
  if (spec.backend === 'onnx') {
    // The model engine loads ONNX Runtime, which only those need who run a model.
    const { OnnxModel } = await import('./onnx/onnx-model.ts');
    return OnnxModel.open(spec, capture, services, signal);
  }
  if (capture !== undefined) {
    throw new PermanentTaskError(
      'NO_ACTIVATIONS',
      'endpoints give no activations; expected the backend onnx',
    );
  }
  return new OpenAiModel(spec, services.env);
}
