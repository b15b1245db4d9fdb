import { CATALOG } from '../bi/views/views.ts';
import { exportedStatement, exportRows, valueOfText } from '../graphql/export-request.ts';
import { DEFAULT_LIMITS } from '../graphql/limits/limits.ts';
import { ENTITIES, ROOT_ENTITIES } from '../graphql/plan/entities.ts';
import type { ExportedStatement } from '../graphql/plan/export.ts';
import { createSchema } from '../graphql/schema.ts';
import { UsageError } from './errors.ts';

/** Rows of a table or view, as flags ask for them. */
export interface TableAsked {
  /** Its name, or the field of Query that gives its rows. */
  readonly table: string;
  readonly columns: readonly string[] | undefined;
  /** As GraphQL or JSON text; of what has no field of Query a filter of runs. */
  readonly filter: string | undefined;
  readonly orderBy: string | undefined;
  readonly first: number | undefined;
}

/** The statement that gives the rows. @throws UsageError, BadUserInputError */
export async function tableStatement(asked: TableAsked): Promise<ExportedStatement> {
  const { table, columns, first } = asked;
  const [filter, orderBy] = [asked.filter, asked.orderBy].map((text) =>
    text === undefined ? undefined : valueOfText(text),
  );
  const field = [...ROOT_ENTITIES].find(
    ([name, entity]) => name === table || ENTITIES[entity].table.name === table,
  );
  if (field === undefined && orderBy !== undefined)
    throw new UsageError(`rows of ${table} cannot be ordered here`, { remedy: 'write it as SQL' });
  const rows =
    field === undefined
      ? { relation: { name: table, run: filter, columns, first } }
      : { [field[0]]: { filter, orderBy, columns, first } };
  return exportedStatement({ rows: exportRows(await createSchema(), rows) }, DEFAULT_LIMITS, CATALOG);
}
