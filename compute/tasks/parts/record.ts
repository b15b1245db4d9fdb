import { z } from 'zod';
import { modelCheckSchema } from '../../../ingest/contracts/model-check.ts';

/** Where the vectors of a prompt or a response lie in the part's binary object, and what they are. */
export const storedVectorsSchema = z.object({
  /** Bytes; `[layers, vectors, hidden]` of the part's type. */
  offset: z.int().nonnegative(),
  vectors: z.int().nonnegative(),
  /** Indices of the tokens within the prompt or response; empty for a mean. */
  tokens: z.array(z.int()),
});
export type StoredVectors = z.infer<typeof storedVectorsSchema>;

const storedSampleSchema = z.object({
  text: z.string(),
  finish: z.string().nullable(),
  tokenCount: z.number().nullable(),
  tokenIds: z.array(z.int()).optional(),
  logProbabilities: z.array(z.number()).optional(),
  top: z.array(z.array(z.object({ token: z.int(), logProbability: z.number() }))).optional(),
  seconds: z.number(),
  vectors: storedVectorsSchema.optional(),
});
export type StoredSample = z.infer<typeof storedSampleSchema>;

export const storedAnswerSchema = z.object({
  id: z.int().nonnegative(),
  samples: z.array(storedSampleSchema),
  promptTokens: z.number().nullable(),
  promptVectors: storedVectorsSchema.optional(),
});
export type StoredAnswer = z.infer<typeof storedAnswerSchema>;

const storedFailureSchema = z.object({
  id: z.int().nonnegative(),
  error: z.object({ code: z.string(), message: z.string() }),
});

/** A line of a part: an answer, or why there is none. */
export const partLineSchema = z.union([storedAnswerSchema, storedFailureSchema]);

/** The first line of a part: who answered, and the type of the vectors. */
export const partHeaderSchema = z.object({
  model: z.object({
    id: z.string(),
    backend: z.enum(['onnx', 'openai', 'mock']),
    dtype: z.string().nullable(),
    revision: z.string().nullable(),
    check: modelCheckSchema.nullable(),
    engine: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    capture: z
      .object({
        layers: z.array(z.int()),
        lastLayer: z.enum(['normed', 'residual']),
        prompt: z.enum(['last', 'mean', 'all']).optional(),
        response: z.enum(['last', 'mean', 'all', 'answer']).optional(),
        hidden: z.int().positive(),
        layerCount: z.int().positive(),
      })
      .nullable(),
  }),
  vectors: z.enum(['float16', 'float32']),
});
export type PartHeader = z.infer<typeof partHeaderSchema>;
