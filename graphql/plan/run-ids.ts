import type { FamilyName } from '../../ingest/family.ts';
import type { LakeSnapshot } from '../../lake/engine/types.ts';
import { RUNS } from '../../lake/tables/tables.ts';
import type { RequestContext } from '../context.ts';
import { type CompileOptions, StatementBuilder } from './compile.ts';
import { pruneOf } from './conditions.ts';
import { columnOf, ENTITIES } from './entities.ts';
import { runText, withSources } from './execute.ts';
import { Printer } from './sql.ts';

/** Ids of the runs of a family that a RunFilter leaves, in order. @throws BadUserInputError, LimitExceededError */
export async function filteredRunIds(
  context: RequestContext,
  snapshot: LakeSnapshot,
  options: CompileOptions,
  family: FamilyName,
  filter: unknown,
): Promise<string[]> {
  const statement = new StatementBuilder(options);
  const where = statement.filter(ENTITIES.Run, filter, 'filter');
  const source = statement.source(RUNS.name, pruneOf(where));
  const { rows } = await withSources(context, snapshot, statement.sources, (relations) => {
    const printer = new Printer(relations);
    const sameFamily = `r.family = ${printer.param(family, columnOf(ENTITIES.Run, 'family'))}`;
    const text = `SELECT r.run_id FROM ${printer.relation(source)} r WHERE ${sameFamily} AND ${printer.condition(where, 'r')} ORDER BY 1`;
    return runText(context, { text, params: printer.params });
  });
  return rows.map(([id]) => String(id));
}
