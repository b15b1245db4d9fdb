import type { Command } from 'commander';
import { ROLES, type Role } from '../../graphql/access/principal.ts';
import { stateOf, type TokenRecord } from '../auth/token-record.ts';
import { TokenRegistry } from '../auth/token-registry.ts';
import { UsageError } from '../errors.ts';
import { textTable } from '../rows.ts';
import { openConfiguredStore } from '../session.ts';
import {
  type CommonOptions,
  configOf,
  interruptSignal,
  print,
  printAnswer,
  printJson,
  withCommonOptions,
} from './shared.ts';

interface CreateOptions extends CommonOptions {
  readonly role: string;
  readonly expires?: string;
}

export function tokenCommands(token: Command): void {
  token.description(
    'Makes, lists and revokes the tokens by which people and programs use the servers of a lake. They are kept, hashed, in the\n' +
      'store of the lake under auth/tokens/: every server of the lake knows them. Who may write there may do anything.',
  );

  withCommonOptions(token.command('create <name>'))
    .summary('make a token and show it once')
    .description(
      'Makes a token and prints it on standard output: it is shown once. The name is what logs say, and the user name at the\n' +
        'PostgreSQL door, whose password is the token. reader: ask anything. ingester: also ingest, launch and cancel jobs.\n' +
        'operator: also publish, compact and vacuum.',
    )
    .option('--role <role>', ROLES.join(', '), 'reader')
    .option(
      '--expires <when>',
      'a time such as 2027-01-31 or 2027-01-31T12:00:00Z, or a span such as 12h, 30d',
    )
    .action(async (name: string, options: CreateOptions) => {
      const role = roleOf(options.role);
      const expiresAt = options.expires === undefined ? undefined : expiryOf(options.expires, new Date());
      const { text, record } = await (await registryOf(options)).create(
        { name, role, expiresAt },
        { signal: interruptSignal() },
      );
      if (options.json) return printJson({ token: text, ...shown(record) });
      print(text);
      const until = record.expiresAt === null ? 'does not expire' : `expires at ${record.expiresAt}`;
      process.stderr.write(`${record.name} is ${record.role}; it ${until}. It is not shown again.\n`);
    });

  withCommonOptions(token.command('list'))
    .summary('every token, with its state')
    .action(async (options: CommonOptions) => {
      const { records, problems } = await (await registryOf(options)).list({ signal: interruptSignal() });
      if (options.json) return printJson({ tokens: records.map(shown), problems });
      for (const { message } of problems) process.stderr.write(`${message}\n`);
      if (records.length === 0) return print('there are no tokens');
      const rows = records.map((record) => {
        const { id, name, role, state, createdAt, expiresAt, revokedAt } = shown(record);
        return [id, name, role, state, createdAt, expiresAt ?? '', revokedAt ?? ''];
      });
      print(textTable(['id', 'name', 'role', 'state', 'created', 'expires', 'revoked'], rows));
    });

  withCommonOptions(token.command('revoke <id-or-name>'))
    .summary('make a token worthless, everywhere within seconds')
    .action(async (idOrName: string, options: CommonOptions) => {
      const record = await (await registryOf(options)).revoke(idOrName, { signal: interruptSignal() });
      printAnswer(options, shown(record), ({ id, name }) => `${id} (${name}) is revoked`);
    });
}

async function registryOf(options: CommonOptions): Promise<TokenRegistry> {
  return new TokenRegistry(await openConfiguredStore(configOf(options)));
}

/** What anybody may see of a record. */
function shown(record: TokenRecord) {
  const { id, name, role, createdAt, expiresAt, revokedAt } = record;
  return { id, name, role, state: stateOf(record, Date.now()), createdAt, expiresAt, revokedAt };
}

/** @throws UsageError */
function roleOf(text: string): Role {
  const role = ROLES.find((one) => one === text);
  if (role === undefined) throw new UsageError(`--role ${text} is none`, { expected: ROLES.join(', ') });
  return role;
}

const SPAN_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** A time, or a span from `now` on. @throws UsageError */
export function expiryOf(text: string, now: Date): Date {
  const [, amount, unit = ''] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  const span = SPAN_MS[unit];
  const time =
    amount !== undefined && span !== undefined
      ? new Date(now.getTime() + Number(amount) * span)
      : new Date(TIME.test(text) ? text : Number.NaN);
  if (Number.isNaN(time.getTime())) {
    throw new UsageError(`--expires ${text} is no time`, {
      expected: 'a date, a time with its zone, or a span in m, h, d or w, such as 30d',
    });
  }
  return time;
}
