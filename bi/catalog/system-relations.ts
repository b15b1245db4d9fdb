import { INFORMATION_SCHEMA } from './information-schema.ts';
import { PG_CATALOG, PG_CATALOG_VIEWS } from './pg-catalog.ts';
import type { CatalogRelation } from './relation.ts';

/** The relations of the catalog itself. */
export const SYSTEM_RELATIONS: readonly CatalogRelation[] = [
  ...PG_CATALOG,
  ...PG_CATALOG_VIEWS,
  ...INFORMATION_SCHEMA,
];
