import { z } from 'zod';

const bytes = z.number();

/** What `runlake doctor --json` prints. */
export const doctorReportSchema = z.object({
  settings: z.array(
    z.object({
      name: z.string(),
      value: z.union([z.string(), z.number()]).optional(),
      /** `flag`, an environment variable, `runlake.config.json` or `default`. */
      origin: z.string(),
      help: z.string(),
    }),
  ),
  versions: z.object({
    runlake: z.string(),
    node: z.string(),
    duckdb: z.string(),
    /** Null where it cannot be loaded. */
    onnxruntime: z.string().nullable(),
    /** Of the model engine's graph: verdicts of models hold for one. */
    graph: z.int(),
  }),
  machine: z.object({
    cores: z.int(),
    coreLimit: z.number().nullable(),
    memoryBytes: bytes,
    memoryLimitBytes: bytes.nullable(),
    availableBytes: bytes,
  }),
  /** Memory that is planned for. */
  memory: z.object({
    /** Of the query engine (RUNLAKE_MEMORY). */
    engineBytes: bytes,
    /** Parameters of the largest model that the rest should hold in float32. */
    modelParameters: z.number(),
  }),
  disk: z.object({ path: z.string(), totalBytes: bytes, freeBytes: bytes, cacheBytes: bytes }).nullable(),
  providers: z.array(
    z.object({
      name: z.string(),
      loads: z.boolean(),
      reason: z.string().nullable(),
      needs: z.string(),
    }),
  ),
  /** Verdicts that the lake has. */
  models: z.array(
    z.object({
      name: z.string(),
      modelHash: z.string(),
      provider: z.string(),
      compute: z.string(),
      graphVersion: z.int(),
      passed: z.boolean(),
      checkedAt: z.string(),
    }),
  ),
  checks: z.array(z.object({ check: z.string(), passed: z.boolean(), detail: z.string() })),
});

export type DoctorReport = z.infer<typeof doctorReportSchema>;
