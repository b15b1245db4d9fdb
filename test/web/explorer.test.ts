import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createServer } from '../../graphql/server.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../../ingest/testing.ts';
import { smallRuns } from '../support/small-runs.ts';
import { type TaskLake, taskLake } from '../support/task-lake.ts';
import { browserMissing, launchBrowser } from './chromium.ts';

const built = fileURLToPath(new URL('../../dist/web/', import.meta.url));
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const violations = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.unknown()) }),
);

describe.skipIf(browserMissing)('the explorer', () => {
  let home: TaskLake;
  let app: FastifyInstance;
  let origin: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let tree: Awaited<ReturnType<typeof temporaryTree>>;
  /** What the page said that it should not have: errors, and requests to anybody else. */
  let complaints: string[];

  beforeAll(async () => {
    if (!existsSync(built)) {
      await build({
        configFile: fileURLToPath(new URL('../../web/vite.config.ts', import.meta.url)),
        logLevel: 'warn',
      });
    }
    home = await taskLake();
    tree = await temporaryTree(smallRuns(3));
    const report = await ingest(home.writer, [tree.path], { families: FAMILIES });
    expect(report.runs).toHaveLength(6);
    app = await createServer({ reader: home.lake, jobs: home.jobs, explorer: built });
    origin = await app.listen({ host: '127.0.0.1', port: 0 });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.close();
    await home?.remove();
    await tree?.remove();
  });
  beforeEach(async () => {
    complaints = [];
    context = await browser.newContext({ locale: 'en', timezoneId: 'Europe/Berlin' });
    page = await context.newPage();
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !/^(data|blob):/.test(url)) complaints.push(url);
    });
  });
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });

  /** What axe finds that keeps people out, in both themes. */
  async function barriers(): Promise<string[]> {
    const found: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(await import('node:fs/promises').then(({ readFile }) => readFile(axe, 'utf8')));
      const result = violations.parse(await page.evaluate('axe.run().then(({ violations }) => violations)'));
      found.push(
        ...result.map(({ id, nodes }) => `${colorScheme}: ${id} ${JSON.stringify(nodes).slice(0, 300)}`),
      );
    }
    return found;
  }

  it('lists the runs, filters them by the address and sorts them', async () => {
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
    expect(await barriers()).toEqual([]);
  });

  it('shows a run: facts, contract, plots and its worst examples', async () => {
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
    expect(await barriers()).toEqual([]);
  });

  it('follows a job to its end', async () => {
    const { id } = await home.jobs.submit('inference', {
      model: { path: '/nowhere', id: 'org/none' },
      rows: [{ question: 'Who?', answer: 'I' }],
      promptTemplate: '{question}',
      benchmark: 'none',
    });
    await page.goto(`${origin}/jobs`);
    await page.getByRole('row', { name: new RegExp(`${id} inference pending`) }).waitFor();
    await page.getByRole('link', { name: id }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    await home.drain();
    await page.getByRole('alert').getByText('NO_CHECKPOINT').waitFor();
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('cancelled', { exact: true }).first().waitFor();
    expect(await barriers()).toEqual([]);
  });

  it('says what is wrong, and that there is nothing', async () => {
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
