import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../json-value.ts';
import { binaryLabel, nonEmptyString, wholeNumber } from '../scalars.ts';

const optionalObject = z.looseObject({}).nullish();

/**
 * One line of `generations.jsonl`. That at least one of `activation_key` and `hashkey` is there is checked by
 * the reader, which has a code of its own for it.
 */
export const generationSchema = z.looseObject({
  example_id: nonEmptyString,
  benchmark: z.string(),
  split: z.string(),
  seed: wholeNumber,
  model_id: z.string(),
  prompt: z.string(),
  response: z.string(),
  reference: z.unknown().optional(),
  label: z.looseObject({ halu: binaryLabel, label_source: z.string() }),
  generation_params: z.looseObject({}),
  timing: optionalObject,
  activation_key: nonEmptyString.nullish(),
  hashkey: nonEmptyString.nullish(),
});

export interface GenerationRecord extends JsonObject {
  readonly example_id: string;
  readonly benchmark: string;
  readonly split: string;
  readonly seed: number | bigint;
  readonly model_id: string;
  readonly prompt: string;
  readonly response: string;
  readonly label: JsonObject & { readonly halu: boolean | 0 | 1; readonly label_source: string };
  readonly generation_params: JsonObject;
}

function isWhole(value: JsonValue | undefined): boolean {
  return Number.isSafeInteger(value) || typeof value === 'bigint';
}

function isOptionalObject(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || isJsonObject(value);
}

function isOptionalKey(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value !== '');
}

/**
 * Accepts exactly what `generationSchema` accepts (a property test holds them together), several times
 * faster: this runs for every line, zod only words the complaint.
 */
export function isGenerationRecord(value: JsonValue): value is GenerationRecord {
  if (!isJsonObject(value)) return false;
  const label = value['label'];
  if (!isJsonObject(label)) return false;
  const halu = label['halu'];
  return (
    typeof value['example_id'] === 'string' &&
    value['example_id'] !== '' &&
    typeof value['benchmark'] === 'string' &&
    typeof value['split'] === 'string' &&
    isWhole(value['seed']) &&
    typeof value['model_id'] === 'string' &&
    typeof value['prompt'] === 'string' &&
    typeof value['response'] === 'string' &&
    (typeof halu === 'boolean' || halu === 0 || halu === 1) &&
    typeof label['label_source'] === 'string' &&
    isJsonObject(value['generation_params']) &&
    isOptionalObject(value['timing']) &&
    isOptionalKey(value['activation_key']) &&
    isOptionalKey(value['hashkey'])
  );
}
