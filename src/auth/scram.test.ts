import { createHmac, pbkdf2Sync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scramVerifier } from './scram.ts';

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)));
}

test('the exchange of RFC 7677 section 3 is accepted, and the server signs it as there', async () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  const messages = [
    'n=user,r=rOprNGfwEbeRWgbNEkqO',
    `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
    `c=biws,r=${nonce}`,
  ].join(',');
  const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');

  const { storedKey, serverKey, iterations } = await scramVerifier('pencil', { salt, iterations: 4096 });
  expect(iterations).toBe(4096);
  const signature = createHmac('sha256', storedKey).update(messages).digest();
  const clientKey = createHmac('sha256', pbkdf2Sync('pencil', salt, 4096, 32, 'sha256'))
    .update('Client Key')
    .digest();
  expect(xor(proof, signature)).toEqual(clientKey);
  expect(createHmac('sha256', serverKey).update(messages).digest('base64')).toBe(
    '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  );
});

test('verifiers of one password differ, and none of them is that of another', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), async (a, b) => {
      fc.pre(a !== b);
      const first = await scramVerifier(a);
      const second = await scramVerifier(a);
      expect(first.storedKey).not.toEqual(second.storedKey);
      expect(await scramVerifier(a, first)).toEqual(first);
      expect((await scramVerifier(b, first)).storedKey).not.toEqual(first.storedKey);
    }),
    { numRuns: 10 },
  );
});
