/** The model engine: what the tasks use. docs/model-engine.md tells how it works. */
export { architectures, describeDecoder } from './architectures/architectures.ts';
export {
  type Checkpoint,
  hashCheckpoint,
  openCheckpoint,
  readWeight,
} from './checkpoint/checkpoint.ts';
export { fetchCheckpoint } from './checkpoint/fetch.ts';
export { GRAPH_VERSION } from './components/decoder-graph.ts';
export type { Batch, BatchResult, Capture, HeadReplacement, ResidualAddition, Row } from './engine/batch.ts';
export { type CheckOutcome, checkModel, type ModelVerdict } from './engine/checks.ts';
export { type KeyValueSizes, type Prefix, RowKeyValues } from './engine/key-values.ts';
export {
  type ForwardOptions,
  Model,
  type ModelIdentity,
  type ModelInfo,
  type ModelOptions,
  type Taps,
} from './engine/model.ts';
export { type CallOptions, ModelProcess, type ModelProcessOptions } from './engine/model-process.ts';
export type { ForwardRequest, Operation, OperationContext } from './engine/operations.ts';
export { type PlanLimits, type PlannedRow, type PlanWork, planRuns, runBytes } from './engine/planner.ts';
export { type Provider, type ProviderName, providers } from './engine/providers.ts';
export type { FloatTensor } from './engine/session.ts';
export {
  CheckpointError,
  ModelMemoryError,
  ModelProcessError,
  ProviderUnavailableError,
  RuntimeFailedError,
  UnsupportedModelError,
} from './errors.ts';
export { generate } from './generation/generate.ts';
export type {
  CapturedVectors,
  CaptureOptions,
  GenerationOptions,
  GenerationRequest,
  GenerationSink,
  GenerationSummary,
  Prompt,
  SampleEvent,
} from './generation/generation.ts';
export { type OutputProjection, readOutputProjection } from './output-projection.ts';
export type { ChatMessage, ChatOptions } from './tokenizer/chat-template.ts';
export { Tokenizer } from './tokenizer/tokenizer.ts';
export { readUnembedding, type Unembedding } from './unembedding.ts';
export { listVerdicts, readVerdict, type StoredVerdict, writeVerdict } from './verdicts.ts';
