import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import { NotAvailableError } from '../errors.ts';
import { exportError, exportLimits } from '../export-routes.ts';
import { asOfArgument } from '../plan/execute.ts';
import { Export, ExportInput } from '../types/export.ts';

@Resolver()
export class ExportResolver {
  @Mutation(() => Export, {
    description:
      'Writes the rows of a statement into the object store as one file, and answers when it is there. It is deleted after a day. ' +
      'A client that leaves cancels it, and nothing remains.',
  })
  async exportQuery(
    @Arg('input', () => ExportInput, { description: 'What to export, and how.' }) input: ExportInput,
    @Ctx() context: RequestContext,
  ): Promise<Export> {
    const { exporter, limits, signal, origin, snapshots } = context;
    if (exporter === undefined) {
      throw new NotAvailableError('exports are not available here', { remedy: 'use `runlake export`' });
    }
    context.unlimitTime();
    const snapshot = await snapshots.at(asOfArgument({ asOf: input.asOf }));
    const { format, compression } = input;
    try {
      const { name, url, expiresAt, ...stored } = await exporter.write(
        { snapshot, sql: input.sql.toWellFormed(), format, compression: compression ?? undefined },
        exportLimits(limits, signal),
      );
      return {
        ...stored,
        format,
        url: url ?? `${origin ?? ''}/export/${name}`,
        expiresAt: expiresAt.toISOString(),
      };
    } catch (error) {
      throw exportError(error, limits);
    }
  }
}
