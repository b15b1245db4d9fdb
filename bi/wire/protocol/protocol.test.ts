import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backend } from './backend.ts';
import { type Frame, FrameReader } from './frames.ts';
import { decodeMessage, decodeStartup } from './frontend.ts';
import { Output } from './output.ts';
import { WireError } from './sqlstate.ts';

const LIMIT = 4096;

/** A message as a client writes it. */
function framed(type: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** All frames of some bytes that arrive in pieces cut at `cuts`. */
function framesOf(bytes: Buffer, cuts: readonly number[]): Frame[] {
  const reader = new FrameReader(LIMIT);
  reader.endStartup();
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const frames: Frame[] = [];
  let from = 0;
  for (const to of [...places, bytes.length]) {
    reader.push(bytes.subarray(from, to));
    from = to;
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  }
  return frames;
}

describe('frames', () => {
  it('are the same wherever the network cuts them', () => {
    const message = fc.tuple(fc.constantFrom('Q', 'P', 'B', 'X', 'd'), fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (messages, cuts) => {
          const bytes = Buffer.concat(messages.map(([type, body]) => framed(type, body)));
          const frames = framesOf(bytes, cuts);
          expect(frames.map(({ type, body }) => [type, [...body]])).toEqual(
            messages.map(([type, body]) => [type, [...body]]),
          );
        },
      ),
    );
  });

  it.each([-1, 0, 3, LIMIT + 1, 0x7fff_ffff])(
    'refuse the length %d before anything is kept for it',
    (length) => {
      const reader = new FrameReader(LIMIT);
      reader.endStartup();
      const head = Buffer.alloc(5, 'Q');
      head.writeInt32BE(length, 1);
      reader.push(head);
      expect(() => reader.next()).toThrow(WireError);
    },
  );

  it('have no type at first', () => {
    const reader = new FrameReader(LIMIT);
    reader.push(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
    const frame = reader.next();
    expect(frame?.type).toBeUndefined();
    expect(frame && decodeStartup(frame)).toEqual({ kind: 'ssl' });
  });
});

describe('messages of clients', () => {
  it('decode or are refused as violations of the protocol, whatever the bytes', () => {
    const type = fc.constantFrom(...'QPBDCESHXdcfpFZz?');
    fc.assert(
      fc.property(type, fc.uint8Array({ maxLength: 300 }), (letter, bytes) => {
        for (const decode of [decodeMessage, decodeStartup]) {
          try {
            decode({ type: letter, body: Buffer.from(bytes) });
          } catch (error) {
            expect(error).toBeInstanceOf(WireError);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('of Bind give back what was put in', () => {
    const parameter = fc.option(fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.string(), fc.array(parameter, { maxLength: 10 }), (name, parameters) => {
        fc.pre(!name.includes('\0') && name.isWellFormed());
        const out = new Output(16);
        out.cstring(name);
        out.cstring('s');
        out.uint16(1);
        out.int16(1);
        out.uint16(parameters.length);
        for (const bytes of parameters) {
          if (bytes === null) out.int32(-1);
          else out.sized(() => out.bytes(bytes));
        }
        out.uint16(0);
        expect(decodeMessage({ type: 'B', body: out.take() })).toEqual({
          kind: 'bind',
          portal: name,
          statement: 's',
          parameterFormats: [1],
          parameters: parameters.map((bytes) => (bytes === null ? null : Buffer.from(bytes))),
          resultFormats: [],
        });
      }),
    );
  });

  it('take no more items than fit into them', () => {
    const body = Buffer.concat([Buffer.from('\0\0'), Buffer.from([0xff, 0xff])]);
    expect(() => decodeMessage({ type: 'P', body })).toThrow('65535 items do not fit');
  });
});

describe('messages of the server', () => {
  it('are framed as clients expect', () => {
    const backend = new Backend(new Output(4));
    backend.readyForQuery('I');
    backend.commandComplete('SELECT 1');
    backend.errorResponse({ sqlstate: '42601', message: 'a\0b', hint: 'h' });
    backend.rowDescription([{ name: 'é', typeOid: 25, typeLength: -1, typeModifier: -1, format: 0 }]);
    const bytes = backend.out.take();
    expect(framesOf(bytes, []).map(({ type, body }) => `${type} ${body.toString('utf8')}`)).toEqual([
      'Z I',
      'C SELECT 1\0',
      'E SERROR\0VERROR\0C42601\0Mab\0Hh\0\0',
      `T \0\u0001é\0\0\0\0\0\0\0\0\0\0\u0019${Buffer.from([255, 255, 255, 255, 255, 255]).toString('utf8')}\0\0`,
    ]);
  });
});
