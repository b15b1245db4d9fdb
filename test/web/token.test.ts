import { describe, expect, it } from 'vitest';
import { FakeTokens } from '../../graphql/test-support/fake-tokens.ts';
import { browserMissing } from './chromium.ts';
import { stage } from './stage.ts';

describe.skipIf(browserMissing)('a server that asks for tokens', () => {
  const tokens = new FakeTokens();
  const the = stage({ server: { authenticator: tokens, config: { admissionMs: 20 } } });
  const enter = async (token: string): Promise<void> => {
    await the.page.getByLabel('This server asks for a token').fill(token);
    await the.page.getByRole('button', { name: 'Use it in this tab' }).click();
  };
  /** The browser says of every refused request that it was. */
  const refusal = /status of 40[13]/;

  it('asks for one, once, says what is wrong with it, keeps it for the tab and forgets it', async () => {
    const { page, origin, context } = the;
    the.excuse(refusal);
    await page.goto(`${origin}/jobs`);
    await page.getByLabel('This server asks for a token').waitFor();
    await expect.poll(() => page.locator('input').count()).toBe(1);
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    await expect.poll(() => page.getByRole('button', { name: 'Use it in this tab' }).isDisabled()).toBe(true);
    expect(await the.barriers()).toEqual([]);

    await enter('nobody');
    await page.getByRole('alert').getByText('not known').waitFor();
    expect(await the.barriers()).toEqual([]);

    await enter('reader');
    await page.getByText('a-reader (reader)').waitFor();
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    expect(page.url()).toBe(`${origin}/jobs`);
    await page.setViewportSize({ width: 375, height: 700 });
    expect(await the.barriers()).toEqual([]);
    await page.reload();
    await page.getByText('a-reader (reader)').waitFor();

    const other = await context.newPage();
    await other.goto(`${origin}/jobs`);
    await other.getByLabel('This server asks for a token').waitFor();
    await other.close();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('This server asks for a token').waitFor();
    await expect.poll(() => page.evaluate('sessionStorage.getItem("runlake.token")')).toBeNull();
  });

  it('tells a reader which role it takes to launch and to cancel, and everybody when a token is revoked', async () => {
    const { page, origin, home } = the;
    the.excuse(refusal);
    const job = await home.jobs.submit('chaos_eval', {
      dataset: 'examples/chaosbench',
      model: { backend: 'mock' },
    });
    await page.goto(`${origin}/jobs/${job.id}`);
    await enter('reader');
    await page.getByRole('button', { name: 'Cancel' }).click();
    const needs = (field: string) =>
      page
        .getByRole('alert')
        .getByText(`${field} needs the role ingester; the token a-reader has the role reader`);
    await needs('cancelJob').waitFor();
    expect((await home.jobs.queue.get(job.id))?.state).toBe('pending');

    await page.goto(`${origin}/launch/chaosEval?from=${job.id}`);
    await page.getByRole('button', { name: 'Launch', exact: true }).click();
    await needs('launchChaosEval').waitFor();

    tokens.revoked.add('reader');
    await page.getByRole('link', { name: 'Runs' }).click();
    await page.getByLabel('This server asks for a token').waitFor();
    await page.getByRole('alert').getByText('not known').waitFor();
    await expect.poll(() => page.locator('input').count()).toBe(1);
    tokens.revoked.clear();
  });
});
