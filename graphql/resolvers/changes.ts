import { Arg, Ctx, Float, Mutation, Resolver } from 'type-graphql';
import { TABLES } from '../../lake/tables/tables.ts';
import type { RequestContext } from '../context.ts';
import { BadUserInputError, NotAvailableError } from '../errors.ts';
import { IngestReport } from '../types/ingest-report.ts';
import { CompactionReport, VacuumReport } from '../types/upkeep-report.ts';

@Resolver()
export class ChangesResolver {
  @Mutation(() => IngestReport, {
    description:
      'Brings every run below a path or a URI of the bucket into the lake. One bad run does not stop the others.',
  })
  async ingest(
    @Arg('uri', () => String, {
      description:
        'A path on the server, or s3://…. With a token: a key in the store of the lake, or a place that the server allows.',
    })
    uri: string,
    @Arg('namespace', () => String, { defaultValue: 'main', description: 'First part of the run ids.' })
    namespace: string,
    @Arg('lenient', () => Boolean, {
      defaultValue: false,
      description: 'Bad records become warnings and the good ones are ingested.',
    })
    lenient: boolean,
    @Arg('dryRun', () => Boolean, {
      defaultValue: false,
      description: 'Check and report, but write nothing.',
    })
    dryRun: boolean,
    @Ctx() context: RequestContext,
  ): Promise<IngestReport> {
    const { ingestor, addresses, signal } = context;
    if (!ingestor) throw notAvailable('ingest');
    const source = await addresses?.readable('uri', uri);
    const request = { namespace, lenient, dryRun, ...(source ?? { uri }) };
    const { runs, issues } = await ingestor.ingest(request, { signal });
    context.snapshots.forget();
    const rejected = runs.filter(({ status }) => status === 'rejected').length;
    return { runs, issues, accepted: runs.length - rejected, rejected };
  }

  @Mutation(() => [CompactionReport], {
    description: 'Rewrites small files of a table (of every table without one) into large ones.',
  })
  async compact(
    @Arg('table', () => String, { nullable: true }) table: string | undefined,
    @Ctx() context: RequestContext,
  ): Promise<readonly CompactionReport[]> {
    const { upkeep, signal } = context;
    if (!upkeep) throw notAvailable('compact');
    const reports = await upkeep.compact(knownTable(table), { signal });
    context.snapshots.forget();
    return reports;
  }

  @Mutation(() => [VacuumReport], {
    description:
      'Deletes objects that no state of the lake within the retention needs. Older states cannot be read afterwards.',
  })
  async vacuum(
    @Arg('table', () => String, { nullable: true }) table: string | undefined,
    @Arg('retentionHours', () => Float, { nullable: true }) retentionHours: number | undefined,
    @Arg('dryRun', () => Boolean, { defaultValue: false }) dryRun: boolean,
    @Ctx() context: RequestContext,
  ): Promise<readonly VacuumReport[]> {
    const { upkeep, signal } = context;
    if (!upkeep) throw notAvailable('vacuum');
    const name = knownTable(table);
    const hours = retentionHours ?? undefined;
    if (hours !== undefined && hours < 0) throw new BadUserInputError('retentionHours', 'is negative');
    const request = {
      dryRun,
      ...(name !== undefined && { table: name }),
      ...(hours !== undefined && { retentionHours: hours }),
    };
    const reports = await upkeep.vacuum(request, { signal });
    context.snapshots.forget();
    return reports;
  }
}

function knownTable(table: string | null | undefined): string | undefined {
  if (table === undefined || table === null) return undefined;
  const names = TABLES.map(({ name }) => name);
  if (!names.some((name) => name === table)) {
    throw new BadUserInputError('table', `there is no table ${table}`, {
      expected: `one of ${names.join(', ')}`,
    });
  }
  return table;
}

function notAvailable(mutation: string): NotAvailableError {
  return new NotAvailableError(`${mutation} is not possible on this server`, {
    remedy: 'start the server in write mode',
  });
}
