/** What a reader knows a run by. */
export interface Titled {
  readonly id: string;
  readonly method: string | null;
  readonly modelId: string | null;
  readonly benchmark: string | null;
  readonly seed: number | string | null;
}

/** A model without the folders it lay in: `org/name` of a path in a cache of Hugging Face, else the last part of a path. */
export function modelName(modelId: string): string {
  const cached = /(?:^|\/)models--([^/]+?)--([^/]+)/.exec(modelId);
  if (cached !== null) return `${cached[1]}/${cached[2]}`;
  const isPath = modelId.startsWith('/') || modelId.split('/').length > 2;
  return isPath ? (modelId.split('/').findLast((part) => part !== '') ?? modelId) : modelId;
}

/** A run as a reader says it: method, model, benchmark and seed, as far as they are known; else the end of its id. */
export function titleOf({ id, method, modelId, benchmark, seed }: Titled): string {
  const parts = [
    method,
    modelId === null ? null : modelName(modelId),
    benchmark,
    seed === null ? null : `seed ${seed}`,
  ].filter((part) => part !== null && part !== '');
  return parts.length > 1 ? parts.join(' · ') : id.split('/').slice(2).join('/') || id;
}
