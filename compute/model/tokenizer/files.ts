import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hasErrno, messageOf } from '../../../lake/errors.ts';
import { readJsonFile } from '../checkpoint/json-file.ts';
import { CheckpointError } from '../errors.ts';

/** Gemma's, the largest in use, has 33 MB. */
const MAX_TOKENIZER_BYTES = 256 * 2 ** 20;
const MAX_TEMPLATE_BYTES = 2 ** 20;

/** A special token is named by its text or by a description of it. */
const tokenText = z.union([
  z.string(),
  z.looseObject({ content: z.string() }).transform((one) => one.content),
]);

const namedTokens = {
  bos_token: tokenText.nullish(),
  eos_token: tokenText.nullish(),
  unk_token: tokenText.nullish(),
  sep_token: tokenText.nullish(),
  pad_token: tokenText.nullish(),
  cls_token: tokenText.nullish(),
  mask_token: tokenText.nullish(),
};

const namedTemplate = z.object({ name: z.string(), template: z.string() });

const tokenizerConfigSchema = z.looseObject({
  ...namedTokens,
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  chat_template: z.union([z.string(), z.array(namedTemplate)]).nullish(),
});
export type TokenizerConfig = z.infer<typeof tokenizerConfigSchema>;

const stepSchema = z.looseObject({ type: z.string() });

/** Only what is read here; the library checks the rest. */
const tokenizerJsonSchema = z.looseObject({
  model: z.looseObject({ type: z.string().optional() }),
  pre_tokenizer: stepSchema.extend({ pretokenizers: z.array(stepSchema).optional() }).nullish(),
  decoder: stepSchema.extend({ decoders: z.array(stepSchema).optional() }).nullable(),
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string() })),
});
export type TokenizerJson = z.infer<typeof tokenizerJsonSchema>;

/** What a checkpoint says of its tokenizer. */
export interface TokenizerFiles {
  readonly json: TokenizerJson;
  readonly config: TokenizerConfig;
  /** Chat templates by name; the one without a name is `default`. */
  readonly templates: ReadonlyMap<string, string>;
}

/**
 * Reads tokenizer.json, tokenizer_config.json, special_tokens_map.json (older checkpoints name their tokens there),
 * chat_template.jinja and chat_templates/*.jinja.
 * @throws CheckpointError
 */
export async function readTokenizerFiles(directory: string, signal?: AbortSignal): Promise<TokenizerFiles> {
  const json = await readTokenizerJson(join(directory, 'tokenizer.json'), signal);
  const names = await readJsonFile(
    join(directory, 'special_tokens_map.json'),
    z.looseObject(namedTokens),
    signal,
  );
  const config = await readJsonFile(join(directory, 'tokenizer_config.json'), tokenizerConfigSchema, signal);
  const merged = { ...names, ...config };
  return { json, config: merged, templates: await readTemplates(directory, merged, signal) };
}

/** Not through `readJsonFile`: the digits that a vocabulary is full of would send it through the exact parser. */
async function readTokenizerJson(path: string, signal: AbortSignal | undefined): Promise<TokenizerJson> {
  const where = { file: 'tokenizer.json' };
  let value: unknown;
  try {
    value = JSON.parse(await readText(path, MAX_TOKENIZER_BYTES, signal));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) {
      throw new CheckpointError(`there is no ${path}`, {
        where,
        remedy:
          'transformers writes it: AutoTokenizer.from_pretrained(checkpoint).save_pretrained(checkpoint)',
      });
    }
    throw new CheckpointError(`cannot read ${path}: ${messageOf(error)}`, { where, cause: error });
  }
  const parsed = tokenizerJsonSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CheckpointError(`tokenizer.json: ${z.prettifyError(parsed.error)}`, { where });
}

async function readText(path: string, limit: number, signal: AbortSignal | undefined): Promise<string> {
  const { size } = await stat(path);
  if (size > limit) throw new Error(`${size} bytes are more than ${limit}`);
  return readFile(path, { encoding: 'utf8', signal });
}

/** Files win over tokenizer_config.json, as in transformers. */
async function readTemplates(
  directory: string,
  { chat_template: inline }: TokenizerConfig,
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const named = await templateFiles(join(directory, 'chat_templates'));
  const files = [
    { name: 'default', path: join(directory, 'chat_template.jinja') },
    ...named.map((file) => ({
      name: file.slice(0, -'.jinja'.length),
      path: join(directory, 'chat_templates', file),
    })),
  ];
  const templates = new Map<string, string>();
  for (const { name, path } of files) {
    try {
      templates.set(name, await readText(path, MAX_TEMPLATE_BYTES, signal));
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) continue;
      throw new CheckpointError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
    }
  }
  if (templates.size > 0) return templates;
  if (typeof inline === 'string') return new Map([['default', inline]]);
  return new Map((inline ?? []).map(({ name, template }) => [name, template]));
}

async function templateFiles(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.jinja')).sort();
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return [];
    throw new CheckpointError(`cannot read ${folder}: ${messageOf(error)}`, { cause: error });
  }
}
