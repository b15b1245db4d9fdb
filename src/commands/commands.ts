import type { Command } from 'commander';

interface CommandEntry {
  /** Its name, then its arguments. */
  readonly usage: string;
  /** Its line in the help of the program. */
  readonly summary: string;
  /** Loads what adds its options and its action. */
  load(): Promise<(command: Command) => void>;
}

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    usage: 'serve',
    summary: 'answer GraphQL over HTTP',
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  {
    usage: 'ingest <paths...>',
    summary: 'read runs and put them into the lake',
    load: async () => (await import('./ingest.ts')).ingestCommand,
  },
  {
    usage: 'validate <paths...>',
    summary: 'check runs without writing anything',
    load: async () => (await import('./ingest.ts')).validateCommand,
  },
  {
    usage: 'query <document>',
    summary: 'run one GraphQL query',
    load: async () => (await import('./query.ts')).queryCommand,
  },
  {
    usage: 'sql <statement>',
    summary: 'run one SELECT over the tables of the lake',
    load: async () => (await import('./sql.ts')).sqlCommand,
  },
  {
    usage: 'export [statement]',
    summary: 'write the rows of a SELECT as Arrow or Parquet',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  {
    usage: 'compare <a> <b>',
    summary: 'compare two runs example by example',
    load: async () => (await import('./compare.ts')).compareCommand,
  },
  {
    usage: 'audit',
    summary: 'audit the ChaosBench runs of the lake',
    load: async () => (await import('./audit.ts')).auditCommand,
  },
  {
    usage: 'publish <run>',
    summary: 'publish the lightweight artifacts of a ChaosBench run',
    load: async () => (await import('./publish.ts')).publishCommand,
  },
  {
    usage: 'lake',
    summary: 'look at the tables and keep them small and sound',
    load: async () => (await import('./lake.ts')).lakeCommands,
  },
  {
    usage: 'views',
    summary: 'list the views for SQL, and publish them for tools with a DuckDB driver',
    load: async () => (await import('./views.ts')).viewCommands,
  },
  {
    usage: 'submit <kind> <spec>',
    summary: 'queue a job',
    load: async () => (await import('./jobs.ts')).submitCommand,
  },
  {
    usage: 'jobs [id]',
    summary: 'list jobs, or show one',
    load: async () => (await import('./jobs.ts')).jobsCommand,
  },
  {
    usage: 'cancel <id>',
    summary: 'stop a job: at once when it waits, within seconds when it runs',
    load: async () => (await import('./jobs.ts')).cancelCommand,
  },
  {
    usage: 'retry <id>',
    summary: 'queue a job again that failed, was skipped or cancelled; what it had done is resumed',
    load: async () => (await import('./jobs.ts')).retryCommand,
  },
  {
    usage: 'logs <id>',
    summary: 'what happened to a job',
    load: async () => (await import('./jobs.ts')).logsCommand,
  },
  {
    usage: 'worker',
    summary: 'do the jobs that are queued',
    load: async () => (await import('./worker.ts')).workerCommand,
  },
  {
    usage: 'model',
    summary: 'check models and list the verdicts of the lake',
    load: async () => (await import('./model.ts')).modelCommands,
  },
  {
    usage: 'token',
    summary: 'make, list and revoke the tokens that servers ask for',
    load: async () => (await import('./token.ts')).tokenCommands,
  },
  {
    usage: 'doctor',
    summary: 'show the settings and whether they work',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
];

/** Arguments in which SQL that begins with a comment is no option: options have no spaces in their names. */
export function argumentsOf(args: readonly string[]): string[] {
  return args.map((text) => (/^--[^=\s]*\s/.test(text) ? ` ${text}` : text));
}

/**
 * Adds every command to the program, and options and action to the one that the arguments name: a short command takes
 * most of its time for loading, so nothing is loaded for the others.
 */
export async function addCommands(program: Command, args: readonly string[]): Promise<void> {
  const asked = args[0] === 'help' ? args[1] : args[0];
  for (const { usage, summary, load } of COMMANDS) {
    const command = program.command(usage).summary(summary).description(summary);
    if (command.name() === asked) (await load())(command);
  }
}
