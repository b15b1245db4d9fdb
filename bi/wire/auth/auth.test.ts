import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scramVerifier } from '../../../src/auth/scram.ts';
import { WireError } from '../protocol/sqlstate.ts';
import { channelBinding } from './certificate.ts';
import { ScramExchange, verifierOfStranger } from './scram.ts';

const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const SERVER_NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const FIRST = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO';
const FINAL = `c=biws,r=rOprNGfwEbeRWgbNEkqO${SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;

async function exchange(password: string): Promise<ScramExchange> {
  return new ScramExchange(
    await scramVerifier(password, { salt: SALT, iterations: 4096 }),
    undefined,
    SERVER_NONCE,
  );
}

describe('SCRAM-SHA-256', () => {
  it('is the exchange of RFC 7677, section 3', async () => {
    const server = await exchange('pencil');
    expect(server.first('SCRAM-SHA-256', FIRST)).toBe(
      `r=rOprNGfwEbeRWgbNEkqO${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
    );
    expect(server.final(FINAL)).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  });

  it('does not take another password', async () => {
    const server = await exchange('pen');
    server.first('SCRAM-SHA-256', FIRST);
    expect(server.final(FINAL)).toBeUndefined();
  });

  it('refuses what is malformed, and proofs for another exchange', async () => {
    const server = await exchange('pencil');
    expect(() => server.first('PLAIN', FIRST)).toThrow(WireError);
    expect(() => server.first('SCRAM-SHA-256', 'p=tls-unique,,n=,r=x')).toThrow('channel-binding');
    server.first('SCRAM-SHA-256', FIRST);
    expect(() => server.final(FINAL.replace('c=biws', 'c=eSws'))).toThrow('channel binding');
    expect(() => server.final(FINAL.replace('k0,', 'k1,'))).toThrow('malformed');
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => server.final(text)).toThrow(WireError);
      }),
    );
  });

  it('binds to the channel, and notices who hides that it could', async () => {
    const verifier = await scramVerifier('pencil', { salt: SALT, iterations: 4096 });
    const bound = () => new ScramExchange(verifier, { endPoint: Buffer.alloc(32, 7) }, SERVER_NONCE);
    expect(() => bound().first('SCRAM-SHA-256', FIRST.replace('n,,', 'y,,'))).toThrow('negotiation');
    const server = bound();
    server.first('SCRAM-SHA-256-PLUS', FIRST.replace('n,,', 'p=tls-server-end-point,,'));
    expect(() => server.final(FINAL)).toThrow('channel binding');
  });

  it('asks strangers as it asks everybody', () => {
    expect(verifierOfStranger('a').salt).toEqual(verifierOfStranger('a').salt);
    expect(verifierOfStranger('a').salt).not.toEqual(verifierOfStranger('b').salt);
  });
});

it.each([
  ['ec', '-sha384', 'sha384'],
  ['ed25519', '', undefined],
] as const)('the channel binding of a certificate with %s %s', (kind, digest, hash) => {
  const key = kind === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : [kind];
  const options = [
    'req',
    '-x509',
    '-newkey',
    ...key,
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-keyout',
    '/dev/null',
  ];
  const pem = execFileSync('openssl', [...options, ...(digest === '' ? [] : [digest])], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const expected = hash && { endPoint: createHash(hash).update(new X509Certificate(pem).raw).digest() };
  expect(channelBinding(pem)).toEqual(expected);
});
