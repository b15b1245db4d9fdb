import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { generateLake } from '../../bench/data/lake.ts';
import { temporaryTree } from '../../ingest/testing.ts';
import { smallRuns } from '../support/small-runs.ts';
import { browserMissing } from './chromium.ts';
import { stage } from './stage.ts';

const RUNS = 'main/hallulens/2026-02-03';
const runId = (method: string, seed: number) => `${RUNS}/${method}/org__model/bench/seed_${seed}`;

/** Small runs of which those of probe_v2 score the other way round, so that methods disagree. */
function disagreeingRuns(): Record<string, string | Uint8Array> {
  const files = smallRuns(3);
  for (const [path, content] of Object.entries(files)) {
    if (!path.includes('probe_v2') || typeof content !== 'string') continue;
    if (path.endsWith('predictions.csv')) {
      files[path] = content.replace(/,([\d.]+),(?=[01],test)/g, (_, score) => `,${1 - Number(score)},`);
    }
    if (path.endsWith('eval_metrics.json')) {
      files[path] = content.replace(/("auroc":)([\d.]+)/, (_, name, auroc) => name + (1 - Number(auroc)));
    }
  }
  return files;
}

describe.skipIf(browserMissing)('the runs', () => {
  const tree = temporaryTree(disagreeingRuns());
  afterAll(() => tree.remove());
  const the = stage({ runs: () => [tree.path] });

  it('are filtered, sorted and shown by columns that the address says', async () => {
    const { page, origin } = the;
    await page.goto(`${origin}/runs`);
    await page.getByRole('heading', { name: 'Runs 6' }).waitFor();
    await expect.poll(() => page.locator('tbody tr').count()).toBe(6);
    await page.locator('summary', { hasText: 'Method' }).click();
    await page.locator('.panel').getByLabel('probe_v2').check();
    await page.getByRole('heading', { name: 'Runs 3' }).waitFor();
    await page.waitForURL(({ search }) => search === '?method=probe_v2');
    expect(await the.barriers()).toEqual([]);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('.panel').count()).toBe(0);
    await page.getByRole('button', { name: 'Seed' }).click();
    await page.waitForURL(/order=SEED.asc/);
    await page.locator('summary', { hasText: 'Columns' }).click();
    await page.locator('.panel').getByLabel('Family').uncheck();
    await page.locator('.panel').getByLabel('Split').check();
    await page
      .locator('.panel')
      .getByRole('checkbox', { name: /^auroc/ })
      .check();
    await page.waitForURL(/metric=auroc/);
    await page.reload();
    await page.getByRole('heading', { name: 'Runs 3' }).waitFor();
    await expect
      .poll(() => page.locator('thead th').allTextContents())
      .toEqual(
        [
          '',
          'Method',
          'Model',
          'Benchmark',
          'Split',
          'Seed ↑',
          'Result',
          'Verdict',
          'Issues',
          'Status',
        ].concat('Ingested', 'auroc'),
      );
    await expect.poll(() => page.locator('tbody td:nth-child(6)').allTextContents()).toEqual(['0', '1', '2']);
    await expect
      .poll(() => page.locator('tbody td:nth-child(7)').first().textContent())
      .toMatch(/^auroc [01]/);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByRole('heading', { name: 'Runs 6' }).waitFor();
  });

  it('are selected by mouse and keyboard, and compared', async () => {
    const { page, origin } = the;
    await page.goto(`${origin}/runs?order=METHOD.asc`);
    const boxes = page.locator('tbody input');
    await boxes.nth(0).click();
    await page.getByText('1 selected:').waitFor();
    await boxes.nth(3).click({ modifiers: ['Shift'] });
    await page.getByText('4 selected:').waitFor();
    await page.waitForURL(({ searchParams }) => searchParams.getAll('run').length === 4);
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByText('5 selected:').waitFor();
    await expect.poll(() => boxes.nth(4).and(page.locator(':focus')).count()).toBe(1);
    await page.keyboard.press('Home');
    await page.keyboard.press('Space');
    await page.getByText('4 selected:').waitFor();
    // One stop of the Tab key is a row, not all of them.
    await expect.poll(() => page.locator('tbody [tabindex="0"]').count()).toBe(2);
    await page.getByLabel(/^Select all/).click();
    await page.waitForURL(/select=all/);
    await page.getByText('6 selected:').waitFor();
    await page.reload();
    await page.getByText('6 selected:').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    for (const [method, seed] of [
      ['probe_v1', 0],
      ['probe_v2', 0],
      ['probe_v2', 1],
    ] as const) {
      await page.getByLabel(`Select ${runId(method, seed)}`).click();
    }
    await page.getByRole('link', { name: 'Compare' }).click();

    await page.getByRole('heading', { name: 'Compare 3 runs' }).waitFor();
    await page.getByRole('row', { name: 'method probe_v1 probe_v2 probe_v2' }).waitFor();
    await page.getByRole('row', { name: 'seed 0 0 1' }).waitFor();
    await page.getByRole('row', { name: /^auroc ↑/ }).waitFor();
    const paired = page.locator('table.paired');
    await paired.getByRole('row', { name: /^A, B AUROC 6 / }).waitFor();
    // The seeds have no example in common.
    await paired.getByText('not comparable').waitFor();
    await page.locator('.disagreements tbody tr').nth(5).waitFor();
    const [first = ''] = await page.locator('.disagreements tbody tr').allTextContents();
    expect(first).toMatch(/^question \d/);
    await expect
      .poll(() => page.getByRole('link', { name: 'The example in B' }).first().getAttribute('href'))
      .toMatch(/^\/examples\?run=.*probe_v2.*&example=[0-9a-f]{64}$/);
    await page.locator('label', { hasText: /^By/ }).locator('select').selectOption('outcome');
    await page.waitForURL(/by=outcome/);
    await page.getByText('No common example comes out differently.').waitFor();
    expect(await the.barriers()).toEqual([]);
    await page.getByRole('button', { name: 'compare with this one' }).last().click();
    await page.getByText('There is no run').waitFor({ state: 'detached' });
    await page.waitForURL(({ searchParams }) => searchParams.getAll('run')[0] === runId('probe_v2', 1));
    await page.goto(`${origin}/compare?run=main/none`);
    await page.getByText('There is no run main/none.').waitFor();
  });

  it('are aggregated into a table to take away', async () => {
    const { page, origin, context } = the;
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(`${origin}/`);
    await page.getByRole('link', { name: 'Aggregate' }).click();
    await page.getByRole('columnheader', { name: 'bench' }).waitFor();
    const rows = page.locator('.aggregates tbody tr');
    await expect.poll(() => rows.locator('th').allTextContents()).toEqual(['probe_v1', 'probe_v2']);
    await expect.poll(() => rows.first().locator('td').textContent()).toMatch(/^0\.\d+ ± \d+\.\d+.* n=3$/);
    await page.getByRole('button', { name: 'Copy as LaTeX' }).click();
    await page.getByText('(copied)').waitFor();
    const latex = await page.evaluate('navigator.clipboard.readText()');
    expect(latex).toContain('probe\\_v1 & $');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'CSV' }).click();
    expect((await download).suggestedFilename()).toBe('auroc.csv');
    await rows.first().getByRole('button').click();
    await page.getByRole('heading', { name: 'Method probe_v1, Benchmark bench' }).waitFor();
    await page.waitForURL(/cell=/);
    await page.getByRole('link', { name: runId('probe_v1', 2) }).waitFor();
    expect(await the.barriers()).toEqual([]);
    await page.getByLabel('Columns').selectOption('Seed');
    await page.getByRole('columnheader', { name: '2', exact: true }).waitFor();
    await page.getByLabel('Columns').selectOption('/training/lr');
    await page.getByRole('columnheader', { name: '0.1', exact: true }).waitFor();
    await page.getByLabel('Numbers').selectOption('recomputed by Runlake');
    await page.waitForURL(/source=recomputed/);
    await page.getByRole('columnheader', { name: '0.1', exact: true }).waitFor();
    await page.goto(`${origin}/aggregate?metric=none`);
    await page.getByText('None of these runs has none').waitFor();
  });

  it('may be thousands: only those in sight are in the document', async () => {
    const { page, origin, home } = the;
    await generateLake(home.writer, { runs: 1500, predictions: 0, generations: 0, activations: 0 });
    await page.setViewportSize({ width: 375, height: 700 });
    await page.goto(`${origin}/runs`);
    await page.getByRole('heading', { name: 'Runs 1,506' }).waitFor();
    const rows = page.locator('tbody tr');
    const table = page.getByLabel('Table of runs');
    await page.locator('tr[data-index="5"]').waitFor();
    expect(await rows.count()).toBeLessThan(60);
    // Pages of rows come in while it is scrolled.
    await expect
      .poll(async () => {
        await table.evaluate((section) => section.scrollTo(0, section.scrollHeight));
        return page.locator('tr[data-index="1505"]').count();
      })
      .toBe(1);
    expect(await rows.count()).toBeLessThan(60);
    // The page is as wide as its window; the first column stays where the table scrolls.
    await table.evaluate((section) => section.scrollTo(section.scrollWidth, section.scrollHeight));
    expect(await width(page)).toBe(375);
    const link = await page.locator('tr[data-index="1505"] a').boundingBox();
    expect(link?.x).toBeGreaterThan(0);
    expect(link?.x).toBeLessThan(120);
    await page.getByLabel(/^Select all/).click();
    await page.getByText('1,506 selected:').waitFor();
    await page.getByRole('link', { name: 'Aggregate' }).last().click();
    await page.getByRole('columnheader', { name: 'benchmark_0', exact: true }).waitFor();
    expect(await width(page)).toBe(375);
  });
});

function width(page: Page): Promise<number> {
  return page.locator('html').evaluate((html) => html.scrollWidth);
}
