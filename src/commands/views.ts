import type { Command } from 'commander';
import { publishViews } from '../../bi/views/publish.ts';
import { CATALOG, VIEWS } from '../../bi/views/views.ts';
import { UsageError } from '../errors.ts';
import { textTable } from '../rows.ts';
import { withLake } from '../session.ts';
import {
  type AsOfOptions,
  asOfOption,
  type CommonOptions,
  configOf,
  interruptSignal,
  print,
  printAnswer,
  printJson,
  withCommonOptions,
} from './shared.ts';

export function viewCommands(views: Command): void {
  withCommonOptions(views.command('publish'))
    .summary('write views.duckdb and views.sql into the store')
    .description(
      'Writes views/views.duckdb, views/views.sql and views/views-delta.sql into the store. Commits do that by themselves; this does\n' +
        'it again, or for an older state.',
    )
    .addOption(asOfOption())
    .action((options: AsOfOptions) =>
      withLake(configOf(options), async (lake) => {
        const signal = interruptSignal();
        const snapshot = await lake.snapshot(options.asOf, { signal });
        const { database, script, deltaScript } = await publishViews(lake, snapshot, { signal });
        const published = { database, script, deltaScript, snapshot: snapshot.token };
        printAnswer(options, published, () => [database, script, deltaScript].join('\n'));
      }),
    );

  withCommonOptions(views.command('list'))
    .summary('tables and views with their columns')
    .argument('[name]', 'only the columns of this one')
    .action((name: string | undefined, options: CommonOptions) => {
      const listed = CATALOG.filter((entry) => name === undefined || entry.name === name);
      if (listed.length === 0) {
        throw new UsageError(`there is no table or view ${name}`, {
          expected: CATALOG.map((entry) => entry.name).join(', '),
        });
      }
      if (options.json)
        return printJson(
          listed.map(({ kind, name, description, columns }) => ({ kind, name, description, columns })),
        );
      if (name === undefined) {
        return print(
          textTable(
            ['name', 'kind', 'columns', 'description'],
            listed.map((e) => [e.name, e.kind, String(e.columns.length), e.description]),
            Number.POSITIVE_INFINITY,
          ),
        );
      }
      for (const { description, columns } of listed) {
        print(
          `${description}\n\n${textTable(
            ['column', 'type', 'description'],
            columns.map((c) => [c.name, c.type, c.description]),
            Number.POSITIVE_INFINITY,
          )}`,
        );
      }
      const definition = VIEWS.find((view) => view.name === name);
      if (definition !== undefined) print(`\n${definition.sql}`);
    });
}
