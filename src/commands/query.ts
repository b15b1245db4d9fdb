import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { UnreachableError, UsageError } from '../errors.ts';
import { modelsOf } from '../models.ts';
import { probesOf } from '../probes.ts';
import { storeEnvironment, withLake } from '../session.ts';
import { type CommonOptions, configOf, print, withCommonOptions } from './shared.ts';

interface QueryCommandOptions extends CommonOptions {
  readonly variables?: string;
  readonly operation?: string;
  readonly url?: string;
}

export function queryCommand(command: Command): void {
  withCommonOptions(command)
    .description(
      'Runs a GraphQL document (text, @file, or - for standard input) on the lake and prints the response.\n' +
        'Exit code 1 when the response has errors.',
    )
    .option('--variables <json>', 'variables as a JSON object')
    .option('--operation <name>', 'which operation of the document')
    .option(
      '--url <url>',
      'ask a running server instead of opening the lake, with the token in RUNLAKE_TOKEN if there is one',
    )
    .addHelpText(
      'after',
      "\nExample:\n  runlake query '{ runs(first: 5) { nodes { id method metrics { metric value } } } }'\n",
    )
    .action(async (document: string, options: QueryCommandOptions) => {
      const body = {
        query: await documentText(document),
        ...(options.variables === undefined ? {} : { variables: parseVariables(options.variables) }),
        ...(options.operation === undefined ? {} : { operationName: options.operation }),
      };
      const text =
        options.url === undefined ? await askHere(options, body) : await askServer(options.url, body);
      const response: unknown = JSON.parse(text);
      print(JSON.stringify(response, null, 2));
      if (typeof response === 'object' && response !== null && 'errors' in response) process.exitCode = 1;
    });
}

async function documentText(document: string): Promise<string> {
  if (document === '-') {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  }
  return document.startsWith('@') ? readFile(document.slice(1), 'utf8') : document;
}

function parseVariables(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError('--variables is not JSON', { expected: 'an object such as {"id": "…"}', cause });
  }
}

async function askHere(options: QueryCommandOptions, body: object): Promise<string> {
  const config = configOf(options);
  return withLake(config, async (lake) => {
    // Only here: loading GraphQL takes longer than everything else that a command needs.
    const { createServer } = await import('../../graphql/server.ts');
    const app = await createServer({
      reader: lake,
      models: modelsOf(lake),
      probes: probesOf(storeEnvironment(config)),
    });
    try {
      const response = await app.inject({ method: 'POST', url: '/graphql', payload: body });
      return response.body;
    } finally {
      await app.close();
    }
  });
}

/** @throws UnreachableError */
async function askServer(url: string, body: object): Promise<string> {
  // No flag: command lines can be read by everybody on the machine.
  const token = process.env['RUNLAKE_TOKEN'];
  const address = graphqlAddress(url);
  const response = await fetch(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && token !== '' && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  }).catch((cause: unknown) => {
    throw new UnreachableError(`nothing answers at ${address}`, {
      expected: 'the address of a server that runs, e.g. http://127.0.0.1:4000/graphql',
      remedy: 'start it with runlake serve, or leave --url out to open the lake itself',
      cause,
    });
  });
  return response.text();
}

/** The address itself, or that of GraphQL on a server whose address it is. */
export function graphqlAddress(url: string): URL {
  if (!URL.canParse(url)) {
    throw new UsageError(`--url ${url} is no address`, { expected: 'e.g. http://127.0.0.1:4000/graphql' });
  }
  const address = new URL(url);
  return address.pathname === '/' ? new URL('/graphql', address) : address;
}
