import { z } from 'zod';
import { absolutePath } from '../../../discovery/path.ts';

/** What the small files of a run say about which run it is; `qid_status.json`, `run_meta.json` and `top_heads.json` have them. */
export const evidenceSchema = z.looseObject({
  config: z
    .looseObject({ model: z.string().optional(), relation_csv_path: z.string().optional() })
    .optional(),
  meta: z.looseObject({ model: z.string().optional() }).optional(),
  model: z.string().optional(),
  relation_root: z.string().optional(),
  run_id: z.string().optional(),
});

export type Evidence = z.infer<typeof evidenceSchema>;

/** Directories that the pipeline puts above a relation by default; they tell no two runs apart. */
const CONVENTIONAL: ReadonlySet<string> = new Set(['_super_fv', 'relation_qwise']);
const DEFAULT_ROOT = 'results_fv';

function baseName(path: string): string {
  return path.slice(path.replace(/\/+$/, '').lastIndexOf('/') + 1).replace(/\/+$/, '');
}

/** Name of the relation: of its CSV file without the extension, or of the directory of its results. */
export function relationName({ config, relation_root: root }: Evidence): string | undefined {
  const csv = config?.relation_csv_path;
  if (csv !== undefined) return baseName(csv).replace(/\.csv$/i, '');
  return root === undefined ? undefined : baseName(root);
}

/** A model as one component of a path: its name in the hub's cache, the end of a path, or the id with `__`. */
export function modelComponent(model: string): string {
  const cached = /models--(.+?)(?:\/|$)/.exec(model)?.[1];
  if (cached !== undefined) return cached.replaceAll('--', '__');
  return /^[./~]/.test(model) ? baseName(model) : model.replaceAll('/', '__');
}

/**
 * `<relation>/<q_id>[/<model>][/<results root>]`. The last two tell two runs of one relation apart; the root is
 * left out where it has the pipeline's default name.
 */
export function runIdentity(storeUri: string, root: string, evidence: Evidence): string {
  const path = absolutePath(storeUri, root);
  const name = evidence.run_id ?? path.at(-1) ?? 'fv';
  const relation = relationName(evidence);
  const model = evidence.config?.model ?? evidence.model ?? evidence.meta?.model;
  const above = path.slice(0, -1);
  if (relation === undefined) {
    return [above.at(-1), name, model && modelComponent(model)].filter(Boolean).join('/');
  }
  while (above.length > 0 && (CONVENTIONAL.has(above.at(-1)!) || above.at(-1) === relation)) above.pop();
  const results = above.at(-1);
  const parts = [relation, name, model && modelComponent(model), results === DEFAULT_ROOT ? '' : results];
  return parts.filter(Boolean).join('/');
}

/** `<directory>/<name>` of a score file that lies alone. */
export function scoreFileIdentity(storeUri: string, key: string): string {
  return absolutePath(storeUri, key)
    .slice(-2)
    .join('/')
    .replace(/\.csv$/i, '');
}
