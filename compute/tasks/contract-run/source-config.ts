import { runConfigSchema } from '../../../ingest/contracts/hallulens/run-config.ts';
import { isJsonObject, type JsonObject } from '../../../ingest/contracts/json-value.ts';

/** What is known of the run whose responses a new run is about. */
export interface SourceConfig {
  readonly config: JsonObject;
  readonly modelId: string;
  /** Where its activation store is; undefined when it has none. */
  readonly storeUri: string | undefined;
  readonly storeFormat: string | undefined;
}

/** What the configuration of the run says of the model and the generation; what it does not say is not invented but marked. */
export function inferenceConfig({
  config,
  modelId,
}: Pick<SourceConfig, 'config' | 'modelId'>): JsonObject & { readonly model: JsonObject } {
  const { model, inference } = runConfigSchema.shape;
  const knownModel = model.safeParse(config['model']).success ? config['model'] : undefined;
  const known = inference.safeParse(config['inference']).success ? config['inference'] : undefined;
  return {
    model: isJsonObject(knownModel) ? knownModel : { id: modelId, backend: 'unknown' },
    inference: isJsonObject(known)
      ? known
      : { max_tokens: 0, temperature: 0, top_p: 1, n: 1, note: 'not recorded by the source run' },
  };
}

/** Points to the activation store of the source run, where it is within reach of the new one: in the same bucket or file system. */
export function activationLogging(
  { config, storeUri, storeFormat }: Omit<SourceConfig, 'modelId'>,
  ownUri: string,
): JsonObject {
  const before = isJsonObject(config['activation_logging']) ? config['activation_logging'] : {};
  const path = storeUri === undefined ? undefined : pathFrom(ownUri, storeUri);
  if (path === undefined || storeFormat === undefined)
    return { enabled: false, format: storeFormat ?? 'none', path: '', layers: [], token_selector: 'none' };
  const { stores: _, ...rest } = before;
  return { layers: 'all', token_selector: 'all', ...rest, enabled: true, format: storeFormat, path };
}

function pathFrom(ownUri: string, uri: string): string | undefined {
  if (uri.startsWith(`${ownUri}/`)) return uri.slice(ownUri.length + 1);
  return uri.startsWith('file:/') && ownUri.startsWith('file:/') ? uri.slice('file:'.length) : undefined;
}
