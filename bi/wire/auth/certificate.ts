import { createHash, X509Certificate } from 'node:crypto';
import type { ChannelBinding } from './scram.ts';

/** Object identifiers of signature algorithms, and the hash that each signs. */
const HASHES: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256', // MD5 with RSA: RFC 5929 puts SHA-256 in its place
  '2a864886f70d010105': 'sha256', // SHA-1 with RSA, likewise
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

/**
 * The `tls-server-end-point` channel binding of a certificate (RFC 5929, section 4.1); undefined where its signature
 * names no hash (Ed25519, RSA-PSS), as in PostgreSQL.
 *
 * @param pem the certificate, or a chain that begins with it
 */
export function channelBinding(pem: string | Buffer): ChannelBinding | undefined {
  const { raw } = new X509Certificate(pem);
  // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER … } … }
  const certificate = element(raw, 0);
  const toBeSigned = element(raw, certificate.content);
  const algorithm = element(raw, toBeSigned.end);
  const identifier = element(raw, algorithm.content);
  const hash = HASHES[raw.toString('hex', identifier.content, identifier.end)];
  return hash === undefined ? undefined : { endPoint: createHash(hash).update(raw).digest() };
}

/** Where the content of a DER element begins and ends. */
function element(bytes: Buffer, at: number): { readonly content: number; readonly end: number } {
  const first = bytes.readUInt8(at + 1);
  if (first < 0x80) return { content: at + 2, end: at + 2 + first };
  const size = first & 0x7f;
  const content = at + 2 + size;
  return { content, end: content + bytes.readUIntBE(at + 2, size) };
}
