/** Names of a linear layer's tensors, and how its weight lies. */
export interface LinearSpec {
  readonly weight: string;
  readonly bias?: string;
  /** `[out, in]` as torch's Linear stores it (default), or `[in, out]` as GPT-2's Conv1D. */
  readonly layout?: 'out-in' | 'in-out';
}

export interface NormSpec {
  readonly kind: 'rms' | 'layer';
  readonly weight: string;
  readonly bias?: string;
  readonly epsilon: number;
}

export type Activation = 'silu' | 'gelu' | 'gelu-tanh' | 'relu';

/** `down(activation(gate(x)) * up(x))`, or without a gate `down(activation(up(x)))`. */
export interface MlpSpec {
  readonly gate?: LinearSpec;
  readonly up: LinearSpec;
  readonly down: LinearSpec;
  /** Between `up` and `down`. */
  readonly width: number;
  readonly activation: Activation;
}

export interface AttentionSpec {
  /** Three layers, or one whose output is query, key and value side by side. */
  readonly projections:
    | { readonly query: LinearSpec; readonly key: LinearSpec; readonly value: LinearSpec }
    | { readonly fused: LinearSpec };
  readonly output: LinearSpec;
  /** Norms over each head of query and key (Qwen3). */
  readonly headNorms?: { readonly query: NormSpec; readonly key: NormSpec };
  /** Whether query and key are rotated by their position; false in NoPE layers and in GPT-2. */
  readonly rotary: boolean;
  /** A query sees itself and the `window - 1` tokens before it; undefined: all before it. */
  readonly window?: number;
  /** Factor of the scores. */
  readonly scale: number;
}

export interface BlockSpec {
  readonly attentionNorm: NormSpec;
  readonly attention: AttentionSpec;
  readonly mlpNorm: NormSpec;
  readonly mlp: MlpSpec;
}

/**
 * A decoder-only transformer with pre-norm blocks, as plain data: sizes, names of tensors, variations. The graph is
 * written from it (`graph/`), so an architecture is a function from `config.json` to this.
 */
export interface DecoderSpec {
  readonly hidden: number;
  /** Query heads. */
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly vocabulary: number;
  /** Positions the model was made for; longer inputs are refused. */
  readonly contextLength: number;
  readonly tokenEmbedding: string;
  /** Learned positions `[contextLength, hidden]`, added to the token embedding. */
  readonly positionEmbedding?: string;
  /** Inverse frequencies of the rotary embedding, `headDim / 2` of them. */
  readonly rotaryFrequencies?: readonly number[];
  readonly blocks: readonly BlockSpec[];
  readonly finalNorm: NormSpec;
  /** Output matrix; the token embedding itself in tied models. */
  readonly head: LinearSpec;
}

/** One `model_type` of `config.json`. */
export interface Architecture {
  readonly modelType: string;
  /** Tensors that old checkpoints hold beside the weights (buffers that are computed nowadays). */
  readonly buffers?: RegExp;
  /**
   * @param config `config.json`, in the dialect of transformers 4 or 5
   * @param has whether the checkpoint holds a tensor of this name
   * @throws CheckpointError a field is missing or wrong; UnsupportedModelError it asks for a variation not built here
   */
  decoder(config: unknown, has: (tensor: string) => boolean): DecoderSpec;
}
