import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Info, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import { NotAvailableError } from '../errors.ts';
import { exportedStatement } from '../export-request.ts';
import { exportError, exportLimits } from '../export-routes.ts';
import { ExportAccount } from '../observability/exports.ts';
import type { Arguments } from '../plan/arguments.ts';
import { argumentsOf, asOfArgument } from '../plan/execute.ts';
import { Export, ExportInput } from '../types/export.ts';

@Resolver()
export class ExportResolver {
  @Mutation(() => Export, {
    description:
      'Writes rows into the object store as one file, and answers when it is there. It is deleted after a day. ' +
      'A client that leaves cancels it, and nothing remains.',
  })
  async exportQuery(
    @Arg('input', () => ExportInput, { description: 'What to export, and how.' }) input: ExportInput,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Export> {
    const { exporter, limits, signal, origin, snapshots, principal, catalog = [] } = context;
    if (exporter === undefined) {
      throw new NotAvailableError('exports are not available here', { remedy: 'use `runlake export`' });
    }
    context.unlimitTime();
    const snapshot = await snapshots.at(asOfArgument({ asOf: input.asOf }));
    const { format, compression } = input;
    const statement = exportedStatement({ sql: input.sql, rows: rowsOf(info) }, limits, catalog);
    const { sql } = statement;
    const account = new ExportAccount({ how: 'store', principal, format, sql }, context, context.cost);
    account.snapshot = snapshot.token;
    try {
      const { name, url, expiresAt, ...stored } = await exporter.write(
        { snapshot, ...statement, format, compression: compression ?? undefined },
        exportLimits(limits, signal, account),
      );
      account.ended(stored);
      return {
        ...stored,
        format,
        url: url ?? `${origin ?? ''}/export/${name}`,
        expiresAt: expiresAt.toISOString(),
      };
    } catch (error) {
      const named = exportError(error, limits);
      account.failed(named);
      throw named;
    }
  }
}

/** `rows` as the planner reads arguments, not as instances of classes. */
function rowsOf(info: GraphQLResolveInfo): Arguments | undefined {
  const { input } = argumentsOf(info);
  const rows: unknown = typeof input === 'object' && input !== null && 'rows' in input ? input.rows : null;
  return typeof rows === 'object' && rows !== null ? { ...rows } : undefined;
}
