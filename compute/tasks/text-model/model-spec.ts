import { z } from 'zod';

/** Keys of services are in variables of this form; others (of the database, of the bucket) are nobody's to send away. */
const API_KEY_VARIABLE = /^[A-Z][A-Z0-9_]*_API_KEY$/;

/** What is recorded of a job is no place for credentials. */
function isPlainHttpAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '';
}

/** Members of a model's specification. */
export const modelFields = {
  backend: z
    .enum(['onnx', 'openai'])
    .default('onnx')
    .describe('onnx: a checkpoint, in a process of the worker. openai: any server of the OpenAI interface.'),
  path: z
    .string()
    .min(1)
    .optional()
    .describe('onnx: directory of the checkpoint, a path on the worker or a key in the store.'),
  baseUrl: z
    .string()
    .refine(isPlainHttpAddress, { error: 'expected an http(s) address without user, password and query' })
    .optional()
    .describe('openai: address of the interface, e.g. http://127.0.0.1:8000/v1.'),
  name: z.string().min(1).optional().describe('openai: name of the model at the endpoint.'),
  id: z
    .string()
    .min(1)
    .optional()
    .describe('Name in the results, e.g. org/model; default: the name, or the last part of the path.'),
  apiKeyEnv: z
    .string()
    .regex(API_KEY_VARIABLE, { error: 'expected the name of a variable that ends in _API_KEY' })
    .optional()
    .describe(
      "openai: variable of the worker's environment that holds the API key; its name ends in _API_KEY.",
    ),
  concurrency: z.int().min(1).max(1024).default(8).describe('openai: requests under way at once.'),
  timeoutSeconds: z
    .number()
    .positive()
    .max(86_400)
    .default(120)
    .describe('openai: longest wait for an answer.'),
  retries: z.int().min(0).max(100).default(6).describe('openai: further tries of a request that failed.'),
  retryDelaySeconds: z
    .number()
    .min(0)
    .max(3600)
    .default(0.5)
    .describe('openai: wait before the first of them; doubles. A Retry-After of the server goes first.'),
  provider: z
    .enum(['auto', 'cpu', 'cuda', 'webgpu'])
    .default('auto')
    .describe('onnx: execution provider; auto takes the best that loads.'),
  compute: z
    .enum(['float32', 'float16', 'bfloat16'])
    .optional()
    .describe("onnx: type of the arithmetic; default: the provider's."),
  threads: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('onnx: threads of one operation; default: one for a small model, else the physical cores.'),
  batchSize: z.int().min(1).max(4096).default(8).describe('onnx: sequences side by side.'),
  memoryBytes: z
    .number()
    .positive()
    .optional()
    .describe('onnx: memory for keys, values and vectors, beyond the model; default 1 GiB.'),
};

type Backend = 'onnx' | 'openai';

/** What a backend cannot do without. */
const NEEDED: Readonly<Record<Backend, readonly ('path' | 'baseUrl' | 'name')[]>> = {
  onnx: ['path'],
  openai: ['baseUrl', 'name'],
};

/** Complains about members that the backend needs and that are not there. */
export function requireMembers(
  model: Pick<ModelSpec, 'path' | 'baseUrl' | 'name'> & { readonly backend: Backend },
  context: z.core.$RefinementCtx,
): void {
  for (const key of NEEDED[model.backend]) {
    if (model[key] === undefined)
      context.addIssue({ code: 'custom', path: [key], message: `the backend ${model.backend} needs it` });
  }
}

/** Which model, and where it runs. */
export const modelSpec = z.object(modelFields).superRefine(requireMembers);

export type ModelSpec = z.infer<typeof modelSpec>;

/** The name of a model in the results. */
export function modelIdOf({ id, name, path }: Pick<ModelSpec, 'id' | 'name' | 'path'>): string {
  return id ?? name ?? path?.replace(/\/+$/, '').split('/').at(-1) ?? 'model';
}
