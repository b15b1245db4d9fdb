import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { browserMissing } from './chromium.ts';
import { stage } from './stage.ts';

/** Bytes of scripts and styles, gzipped, that the first view may need. */
const FIRST_VIEW = 500_000;

describe.skipIf(browserMissing)('the explorer of an empty lake', () => {
  const the = stage();

  it('says that there is nothing, and what to do about it', async () => {
    const { page, origin } = the;
    await page.goto(origin);
    await page.getByText('There is no run yet.').waitFor();
    expect(await the.barriers()).toEqual([]);
    await page.getByRole('link', { name: 'a job', exact: true }).click();
    await page.getByRole('heading', { name: 'Launch', exact: true }).waitFor();
    expect(await page.title()).toBe('Launch · Runlake');
    for (const address of ['/runs', '/jobs']) {
      await page.goto(origin + address);
      await page.locator('.state:not([role=status])').first().waitFor();
      await expect.poll(() => page.locator('tbody tr').count()).toBe(0);
    }
    await page.goto(`${origin}/runs/main/no/such/run`);
    await page.getByText('There is no run main/no/such/run.').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('There is no run yet.').waitFor();
  });

  it('says what is wrong, and what to do about it', async () => {
    const { page, origin } = the;
    await page.route('**/graphql', (route) =>
      route.fulfill({
        json: { errors: [{ message: 'too much', extensions: { code: 'LIMIT', remedy: 'ask less' } }] },
      }),
    );
    for (const address of ['/', '/jobs', '/runs']) {
      await page.goto(origin + address);
      await page.getByRole('alert').getByText('ask less').first().waitFor();
    }
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await page.getByRole('alert').first().waitFor({ state: 'detached' });
  });

  it('has small scripts, which only it may run', async () => {
    const { page, origin } = the;
    const sizes = new Map<string, number>();
    page.on('response', async (response) => {
      if (/\.(js|css)$/.test(response.url())) {
        sizes.set(response.url(), gzipSync(await response.body()).length);
      }
    });
    const response = await page.goto(origin);
    await page.getByText('There is no run yet.').waitFor();
    expect(response?.headers()['content-security-policy']).toContain("script-src 'self'");
    expect([...sizes.values()].reduce((sum, size) => sum + size, 0)).toBeLessThan(FIRST_VIEW);
    expect(sizes.size).toBeGreaterThan(1);
  });
});
