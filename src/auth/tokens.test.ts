import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../lake/log/memory-store.test-support.ts';
import { scramVerifier } from './scram.ts';
import { hasHash, newToken, tokenHash, tokenIdOf } from './token.ts';
import { TokenDirectory } from './token-directory.ts';
import { recordKey } from './token-record.ts';
import { TokenRegistry } from './token-registry.ts';

describe('the form of tokens', () => {
  test('a new one has its id, and is like no other', () => {
    const made = Array.from({ length: 200 }, newToken);
    for (const { id, text } of made) expect(tokenIdOf(text)).toBe(id);
    expect(new Set(made.map(({ text }) => text)).size).toBe(200);
    expect(made[0]?.text).toMatch(/^rl_[0-9a-f]{12}_[0-9a-f]{48}$/);
  });
  test('nothing else is one', () => {
    const { text } = newToken();
    for (const wrong of [
      '',
      'rl_',
      text.slice(0, -1),
      `${text}0`,
      ` ${text}`,
      `${text}\n`,
      text.toUpperCase(),
    ])
      expect(tokenIdOf(wrong)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (any) => tokenIdOf(any) === undefined));
  });
  test('only the very token has its hash', () => {
    const { text } = newToken();
    const hash = tokenHash(text);
    expect(hasHash(text, hash)).toBe(true);
    fc.assert(fc.property(fc.string(), (other) => !hasHash(other, hash) && !hasHash(text, other)));
    for (let i = 0; i < text.length; i++) {
      const changed = `${text.slice(0, i)}${text[i] === '0' ? '1' : '0'}${text.slice(i + 1)}`;
      expect(hasHash(changed, hash)).toBe(false);
    }
  });
});

/** A lake's tokens with a clock that the test moves. */
function setting(openWithoutTokens = false) {
  const store = new MemoryStore();
  let now = Date.parse('2026-01-01T00:00:00Z');
  const clock = () => now;
  store.now = () => new Date(now);
  const registry = new TokenRegistry(store, () => new Date(now));
  const directory = new TokenDirectory({ store, openWithoutTokens, now: clock });
  return {
    store,
    registry,
    directory,
    pass: (ms: number) => {
      now += ms;
    },
    create: (name: string, expiresAt?: Date) => registry.create({ name, role: 'reader', expiresAt }),
  };
}

const UNAUTHENTICATED = { code: 'UNAUTHENTICATED' };

describe('the tokens of a lake', () => {
  test('are known at once, expire, and are refused seconds after they were revoked', async () => {
    const { registry, directory, pass, create } = setting();
    await expect(directory.authenticate(undefined)).rejects.toMatchObject(UNAUTHENTICATED);
    const { text, record } = await create('ada');
    pass(300);
    expect(await directory.authenticate(text)).toEqual({ name: 'ada', role: 'reader', tokenId: record.id });
    const short = await create('bob', new Date('2026-01-01T00:01:00Z'));
    pass(1_000);
    expect(await directory.authenticate(short.text)).toMatchObject({ name: 'bob' });
    pass(59_000);
    await expect(directory.authenticate(short.text)).rejects.toThrow('bob is expired');
    await registry.revoke('ada');
    pass(2_001);
    await expect(directory.authenticate(text)).rejects.toThrow('ada is revoked');
    expect(await directory.countActive()).toBe(0);
  });

  test('are told by their secret, not by their id', async () => {
    const { directory, pass, create } = setting();
    const { record, text } = await create('ada');
    pass(3_000);
    const forged = [
      `rl_${record.id}_${'0'.repeat(48)}`,
      `rl_${record.id}_${record.sha256.slice(0, 48)}`,
      record.sha256,
    ];
    for (const wrong of [...forged, newToken().text, '', '__proto__', text.slice(0, -1)]) {
      await expect(directory.authenticate(wrong)).rejects.toThrow('not known');
    }
  });

  test('leave nothing in the store by which they could be used', async () => {
    const { store, create } = setting();
    const { text, record } = await create('ada');
    const stored = [...store.objects].map(([key, { body }]) => `${key} ${Buffer.from(body)}`).join('\n');
    expect(stored).toContain(record.id);
    const secret = text.slice(text.lastIndexOf('_') + 1);
    for (let i = 0; i + 8 <= secret.length; i++) expect(stored).not.toContain(secret.slice(i, i + 8));
  });

  test('open the door to everybody only where that is wanted and there never was one', async () => {
    const closed = setting();
    await expect(closed.directory.authenticate(undefined)).rejects.toMatchObject(UNAUTHENTICATED);
    const { registry, directory, pass, create, store } = setting(true);
    expect(await directory.authenticate(undefined)).toMatchObject({ name: 'anonymous', role: 'operator' });
    await create('ada');
    pass(2_001);
    await expect(directory.authenticate(undefined)).rejects.toMatchObject(UNAUTHENTICATED);
    await registry.revoke('ada');
    pass(2_001);
    await expect(directory.authenticate(undefined)).rejects.toMatchObject(UNAUTHENTICATED);
    for (const key of store.objects.keys())
      store.objects.set(key, { body: Buffer.from('{'), modified: new Date() });
    pass(2_001);
    await expect(directory.authenticate(undefined)).rejects.toMatchObject(UNAUTHENTICATED);
  });

  test('stay known for a minute when the store is silent, then nobody is let in', async () => {
    const { store, directory, pass, create } = setting();
    const { text } = await create('ada');
    expect(await directory.authenticate(text)).toMatchObject({ name: 'ada' });
    store.before = (operation) => {
      if (operation === 'list') throw new Error('silent');
    };
    pass(50_000);
    expect(await directory.authenticate(text)).toMatchObject({ name: 'ada' });
    pass(11_000);
    await expect(directory.authenticate(text)).rejects.toMatchObject({ code: 'TOKENS_UNAVAILABLE' });
    const fresh = new TokenDirectory({ store, openWithoutTokens: true });
    await expect(fresh.authenticate(undefined)).rejects.toMatchObject({ code: 'TOKENS_UNAVAILABLE' });
  });

  test('ask the store seldom, however many requests come in', async () => {
    const { store, directory, pass, create } = setting();
    const { text } = await create('ada');
    let lists = 0;
    let gets = 0;
    store.before = (operation) => {
      if (operation === 'list') lists += 1;
      if (operation === 'get') gets += 1;
    };
    for (let i = 0; i < 20; i++) {
      const wrong = directory.authenticate(newToken().text).catch(() => undefined);
      await Promise.all([directory.authenticate(text), wrong]);
      pass(100);
    }
    expect(lists).toBeLessThanOrEqual(8);
    expect(gets).toBe(1);
  });

  test('one object that is no record locks out nobody else', async () => {
    const { store, registry, directory, create } = setting();
    const { text } = await create('ada');
    await store.put(recordKey('0'.repeat(12)), Buffer.from('{"format":1}'));
    await store.put('auth/tokens/x', Buffer.from([0xff, 0xfe]));
    expect(await directory.authenticate(text)).toMatchObject({ name: 'ada' });
    expect((await registry.list()).problems).toHaveLength(2);
  });

  test('are verifiers of user names too', async () => {
    const { registry, directory, create, pass } = setting();
    const { text, record } = await create('ada');
    const found = await directory.verifierOf('ada');
    expect(found?.principal).toEqual({ name: 'ada', role: 'reader', tokenId: record.id });
    expect(await scramVerifier(text, found?.verifier)).toMatchObject({
      storedKey: Buffer.from(record.scram.storedKey, 'base64'),
      serverKey: Buffer.from(record.scram.serverKey, 'base64'),
    });
    expect(await directory.verifierOf('bob')).toBeUndefined();
    await registry.revoke(record.id);
    pass(2_001);
    expect(await directory.verifierOf('ada')).toBeUndefined();
  });

  test('have names of their own while they are in use', async () => {
    const { registry, create } = setting();
    const { record } = await create('ada');
    await expect(create('ada')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await registry.revoke('ada');
    expect((await registry.revoke(record.id)).revokedAt).not.toBeNull();
    const again = await create('ada');
    expect(again.record.id).not.toBe(record.id);
    for (const name of ['', ' ada', 'a/b', '../x', 'ada\n', 'a'.repeat(64), 'ä'])
      await expect(create(name)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(create('late', new Date('2025-01-01'))).rejects.toThrow('would have expired');
    await expect(registry.revoke('nobody')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await registry.list()).records.map(({ id }) => id).sort()).toEqual(
      [record.id, again.record.id].sort(),
    );
  });
});
