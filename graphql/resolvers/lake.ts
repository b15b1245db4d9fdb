import { Arg, Ctx, Query, Resolver } from 'type-graphql';
import { TABLES } from '../../lake/tables/tables.ts';
import type { RequestContext } from '../context.ts';
import { asOfArgument, sizeSources } from '../plan/execute.ts';
import { AsOfInput } from '../types/inputs.ts';
import { LakeInfo } from '../types/lake-info.ts';

@Resolver()
export class LakeResolver {
  @Query(() => LakeInfo, { description: 'Tables, versions, files and bytes.' })
  async lake(
    @Arg('asOf', () => AsOfInput, { nullable: true }) asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
  ): Promise<LakeInfo> {
    const snapshot = await context.snapshots.at(asOfArgument({ asOf }));
    const sizes = await sizeSources(
      context,
      snapshot,
      TABLES.map(({ name }) => ({ table: name, prune: [] })),
    );
    const tables = TABLES.map(({ name, doc, columns }, i) => ({
      name,
      doc,
      version: snapshot.versions[name] ?? null,
      files: sizes[i]?.files ?? 0,
      bytes: sizes[i]?.bytes ?? 0,
      rows: sizes[i]?.rows ?? 0,
      columns: columns.map((column) => ({
        name: column.name,
        type: column.type,
        nullable: !('nullable' in column) || column.nullable !== false,
        doc: column.doc,
      })),
    }));
    return {
      snapshot: snapshot.token,
      timestamp: snapshot.timestamp.toISOString(),
      tables,
      files: tables.reduce((sum, { files }) => sum + files, 0),
      bytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }
}
