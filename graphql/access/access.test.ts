import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type GraphQLSchema, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createSchema } from '../schema.ts';
import { createServer } from '../server.ts';
import { FakeLake } from '../test-support/fake-lake.ts';
import { FakeTokens } from '../test-support/fake-tokens.ts';
import { identify } from './guard.ts';
import { LongLived } from './long-lived.ts';
import { bearerToken, mayAct, OPEN, ROLES, type Role } from './principal.ts';
import { requireRoles, ruleOf } from './rules.ts';

const TYPES = ['query', 'mutation', 'subscription'] as const;

let schema: GraphQLSchema;
let lake: FakeLake;
let app: FastifyInstance;
let origin: string;
const tokens = new FakeTokens();

beforeAll(async () => {
  schema = await createSchema();
  lake = await FakeLake.create();
  app = await createServer({ reader: lake, authenticator: tokens });
  await app.listen({ host: '127.0.0.1', port: 0 });
  origin = `127.0.0.1:${(app.server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await app.close();
  lake.connection.closeSync();
});

function rootFields(type: (typeof TYPES)[number]): string[] {
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  };
  return Object.keys(root[type]?.getFields() ?? {});
}

const principalOf = (role: Role) => ({ name: role, role, tokenId: role });

describe('roles', () => {
  test.each(TYPES)('every root field of %s has a rule', (type) => {
    for (const field of rootFields(type))
      expect([field, ruleOf(type, field)]).toEqual([field, expect.any(String)]);
  });

  test('each includes the ones before, and readers change nothing', () => {
    for (const type of TYPES) {
      for (const field of rootFields(type)) {
        const document = parse(`${type} { ...f } fragment f on T { ... { x: ${field} } }`);
        const [operation] = document.definitions;
        if (operation?.kind !== 'OperationDefinition') throw new TypeError('no operation');
        const needed = ruleOf(type, field) ?? 'operator';
        for (const role of ROLES) {
          const ask = () => requireRoles(document, operation, principalOf(role));
          if (mayAct(role, needed)) ask();
          else
            expect(ask).toThrow(`${field} needs the role ${needed}; the token ${role} has the role ${role}`);
        }
      }
    }
    expect(rootFields('mutation').filter((field) => ruleOf('mutation', field) === 'reader')).toEqual(
      rootFields('mutation').filter((field) => field === 'exportQuery'),
    );
  });

  test("what has no rule is the operator's", () => {
    const document = parse('mutation { ingest secret }');
    const [operation] = document.definitions;
    if (operation?.kind !== 'OperationDefinition') throw new TypeError('no operation');
    expect(() => requireRoles(document, operation, principalOf('ingester'))).toThrow(
      'secret needs the role operator',
    );
    requireRoles(document, operation, principalOf('operator'));
  });
});

const post = (query: string, authorization?: string) =>
  app.inject({
    method: 'POST',
    url: '/graphql',
    payload: { query },
    headers: { ...(authorization !== undefined && { authorization }) },
  });

describe('over HTTP', () => {
  test('nobody gets in without a token', async () => {
    for (const authorization of [
      undefined,
      '',
      'Bearer',
      'Bearer  ',
      'Bearer nobody',
      'Basic b3BlcmF0b3I6',
      'operator',
      'Bearer operator operator',
    ]) {
      const response = await post('{ __typename }', authorization);
      expect([authorization, response.statusCode]).toEqual([authorization, 401]);
      expect(response.headers['www-authenticate']).toContain('Bearer');
      expect(response.json().errors[0].extensions.code).toBe('UNAUTHENTICATED');
    }
    for (const url of [
      '/graphql?query=%7B__typename%7D',
      '/graphql/stream',
      '/nothing',
      '/metrics',
      '/export',
    ])
      expect([url, (await app.inject(url)).statusCode]).toEqual([url, 401]);
  });

  test('health is open, and so is what a browser is told', async () => {
    for (const url of ['/healthz', '/readyz']) expect((await app.inject(url)).statusCode).toBe(200);
    const headers = { accept: 'text/html' };
    for (const url of ['/', '/graphql']) {
      const told = await app.inject({ url, headers });
      expect([told.statusCode, told.body]).toEqual([200, expect.stringContaining('POST /graphql')]);
    }
    const asked = await app.inject({ url: '/graphql?query=%7B__typename%7D', headers });
    expect(asked.statusCode).toBe(401);
  });

  test('a mutation runs none of its fields when one needs more', async () => {
    const response = await post(
      'mutation { ingest(uri: "x") { accepted } compact { table } }',
      'Bearer ingester',
    );
    expect(response.statusCode).toBe(403);
    expect(response.json()).toEqual({
      errors: [
        expect.objectContaining({
          message: 'compact needs the role operator; the token a-ingester has the role ingester',
          extensions: expect.objectContaining({ code: 'FORBIDDEN', neededRole: 'operator' }),
        }),
      ],
    });
    expect(
      (await post('mutation { compact { table } }', 'Bearer operator')).json().errors[0].extensions.code,
    ).toBe('NOT_AVAILABLE');
  });

  test('the server says who asks, and what the limits are', async () => {
    const response = await post(
      '{ server { principal { name role } limits { name allowed unit } } }',
      'bearer reader',
    );
    const { principal, limits } = response.json().data.server;
    expect(principal).toEqual({ name: 'a-reader', role: 'reader' });
    expect(limits).toContainEqual({ name: 'depth', allowed: 15, unit: 'levels of nesting' });
  });

  test('without tokens a server listens to the names of this machine only', async () => {
    for (const host of ['localhost', 'localhost:4000', '127.0.0.1:1', '[::1]:4000', 'lake.localhost'])
      expect((await identify(OPEN, { authorization: undefined, host })).name).toBe('anonymous');
    for (const host of [
      'evil.example',
      'evil.example:4000',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '10.0.0.1',
    ])
      await expect(identify(OPEN, { authorization: undefined, host })).rejects.toThrow('localhost only');
  });

  test('a header holds one bearer token or none', () => {
    expect(bearerToken(undefined)).toBeUndefined();
    expect(bearerToken('BEARER  abc ')).toBe('abc');
    for (const header of ['', 'abc', 'Basic abc', 'Bearer', 'Bearer a b'])
      expect(() => bearerToken(header)).toThrow();
  });
});

/** A WebSocket whose first message has been answered, or which was closed. */
async function connect(payload: unknown, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`ws://${origin}/graphql`, 'graphql-transport-ws', { headers });
  await once(socket, 'open');
  const closed = once(socket, 'close').then(([code]) => Number(code));
  const first = once(socket, 'message').then(([data]) => JSON.parse(String(data)) as { type: string });
  if (payload !== undefined) socket.send(JSON.stringify({ type: 'connection_init', payload }));
  return { socket, closed, first };
}

const SUBSCRIPTION = {
  id: '1',
  type: 'subscribe',
  payload: { query: 'subscription { runIngested { id } }' },
};

describe('over WebSocket', () => {
  test('a connection begins with a token, in its first message or its header', async () => {
    for (const wrong of [{}, { authorization: 'Bearer nobody' }, { authorization: 7 }, { token: 'reader' }])
      expect(await (await connect(wrong)).closed).toBe(4401);
    for (const [payload, headers] of [
      [{ authorization: 'Bearer reader' }, {}],
      [{ Authorization: 'Bearer reader' }, {}],
      [{}, { authorization: 'Bearer reader' }],
    ] as const) {
      const { first, socket, closed } = await connect(payload, headers);
      expect((await first).type).toBe('connection_ack');
      socket.close();
      await closed;
    }
  });

  test('nothing is subscribed to before that', async () => {
    const { socket, closed } = await connect(undefined);
    socket.send(JSON.stringify(SUBSCRIPTION));
    expect(await closed).toBe(4401);
  });
});

describe('over server-sent events', () => {
  const stream = (token: string) =>
    fetch(`http://${origin}/graphql/stream`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify(SUBSCRIPTION.payload),
    });
  test('streams want a token, and end within seconds after it was revoked, as sockets do', async () => {
    expect((await stream('nobody')).status).toBe(401);
    const { socket, first, closed } = await connect({ authorization: 'Bearer ingester' });
    await first;
    socket.send(JSON.stringify(SUBSCRIPTION));
    const events = await stream('ingester');
    expect(events.status).toBe(200);
    tokens.revoked.add('ingester');
    expect(await closed).toBe(4401);
    await expect(events.text()).rejects.toThrow();
    tokens.revoked.clear();
  });
});

test('what is watched ends once, and not when it has ended before', async () => {
  const longLived = new LongLived(5);
  const ended: string[] = [];
  longLived.watch(
    async () => Promise.reject(new Error('revoked')),
    () => ended.push('a'),
  );
  longLived.watch(
    async () => Promise.reject(new Error('revoked')),
    () => ended.push('b'),
  )();
  longLived.watch(
    async () => 'admitted',
    () => ended.push('c'),
  );
  await expect.poll(() => ended).toEqual(['a']);
  longLived.close();
});
