import { afterAll, describe, expect, it } from 'vitest';
import { temporaryTree } from '../../ingest/testing.ts';
import { smallRuns } from '../support/small-runs.ts';
import { browserMissing } from './chromium.ts';
import { stage } from './stage.ts';

describe.skipIf(browserMissing)('the explorer', () => {
  const tree = temporaryTree(smallRuns(3));
  afterAll(() => tree.remove());
  const the = stage({ runs: () => [tree.path] });

  it('lists the runs, filters them by the address and sorts them', async () => {
    const { page, origin } = the;
    await page.goto(`${origin}/`);
    await page.getByRole('heading', { name: 'Runs 6' }).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(6);
    await page.getByLabel('Method').selectOption('probe_v2');
    await page.getByRole('heading', { name: 'Runs 3' }).waitFor();
    expect(new URL(page.url()).search).toBe('?method=probe_v2');
    await page.getByRole('button', { name: 'Seed' }).click();
    await page.waitForURL(/order=SEED.asc/);
    await page.reload();
    await page.getByRole('heading', { name: 'Runs 3' }).waitFor();
    expect(await page.getByLabel('Method').inputValue()).toBe('probe_v2');
    const seeds = await page.locator('tbody tr td:nth-child(5)').allTextContents();
    expect(seeds).toEqual(['0', '1', '2']);
    expect(await the.barriers()).toEqual([]);
  });

  it('shows a run: facts, contract, plots and its worst examples', async () => {
    const { page, origin } = the;
    await page.goto(`${origin}/runs?method=probe_v1`);
    await page.getByRole('link', { name: 'probe_v1' }).first().click();
    await page.getByRole('heading', { level: 1, name: /probe_v1/ }).waitFor();
    await page.getByText(/Contract: \d+ of \d+ items hold/).waitFor();
    await page.getByRole('img', { name: /^ROC: Area/ }).waitFor();
    await page.getByRole('img', { name: /^Scores by label/ }).waitFor();
    await page.getByText('question').first().waitFor();
    const download = page.waitForEvent('download');
    await page.locator('figure', { hasText: 'ROC' }).getByRole('button', { name: 'CSV' }).click();
    expect((await download).suggestedFilename()).toBe('roc.csv');
    // With a tip in sight.
    await page.getByRole('img', { name: /^ROC: Area/ }).hover();
    expect(await the.barriers()).toEqual([]);
  });

  it('follows a job to its end', async () => {
    const { page, origin } = the;
    const { id } = await the.home.jobs.submit('inference', {
      model: { path: '/nowhere', id: 'org/none' },
      rows: [{ question: 'Who?', answer: 'I' }],
      promptTemplate: '{question}',
      benchmark: 'none',
    });
    await page.goto(`${origin}/jobs`);
    await page.getByRole('row', { name: new RegExp(`${id} inference pending`) }).waitFor();
    await page.getByRole('link', { name: id }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    await the.home.drain();
    await page.getByRole('alert').getByText('NO_CHECKPOINT').waitFor();
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('cancelled', { exact: true }).first().waitFor();
    expect(await the.barriers()).toEqual([]);
  });

  it('says what is wrong, and that there is nothing', async () => {
    const { page, origin } = the;
    await page.goto(`${origin}/runs/main/no/such/run`);
    await page.getByText('There is no run main/no/such/run.').waitFor();
    await page.goto(`${origin}/runs?family=NONE`);
    await page.getByText('No run is like this.').waitFor();
    await page.route('**/graphql', (route) =>
      route.fulfill({
        json: { errors: [{ message: 'too much', extensions: { code: 'LIMIT', remedy: 'ask less' } }] },
      }),
    );
    await page.goto(`${origin}/jobs`);
    await page.getByRole('alert').getByText('ask less').waitFor();
  });

  it('has small scripts, which only it may run', async () => {
    const { page, origin } = the;
    const sizes = new Map<string, number>();
    page.on('response', async (response) => {
      if (response.url().endsWith('.js')) sizes.set(response.url(), (await response.body()).length);
    });
    const response = await page.goto(`${origin}/`);
    await page.getByRole('heading', { name: 'Runs 6' }).waitFor();
    expect(response?.headers()['content-security-policy']).toContain("script-src 'self'");
    expect([...sizes.values()].reduce((sum, size) => sum + size, 0)).toBeLessThan(500_000);
  });
});
