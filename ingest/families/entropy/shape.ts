import { isJsonObject, type JsonObject } from '../../contracts/json-value.ts';
import { memberAt } from './members.ts';

/** Three incompatible shapes go by one file name; only their members tell them apart. */
export type Shape = 'diagnostics' | 'sweep' | 'control_variate';

/** Which of the three shapes a `results.json` has; undefined for none of them. */
export function shapeOf(document: JsonObject): Shape | undefined {
  if (isJsonObject(document['true']) && memberAt(document, ['approx', 'delta_h_per_lr']) !== undefined)
    return 'diagnostics';
  if (Array.isArray(document['sweep'])) return 'sweep';
  if (isJsonObject(document['summary']) && isJsonObject(document['paths'])) return 'control_variate';
  return undefined;
}
