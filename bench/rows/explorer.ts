import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { createServer } from '../../graphql/server.ts';
import { launchBrowser } from '../../test/web/chromium.ts';
import { generateLake } from '../data/lake.ts';
import { openLake, withWriter } from '../lakes.ts';
import { spread } from '../measure.ts';
import { dataset, ROOT } from '../scratch.ts';
import type { Bench, Outcome } from '../types.ts';

/** Something that a reader does to the table of runs. */
interface Interaction {
  readonly name: string;
  readonly act: (page: Page) => Promise<unknown>;
}

const INTERACTIONS: readonly Interaction[] = [
  { name: 'sort by a column', act: (page) => page.getByRole('button', { name: 'Seed' }).click() },
  { name: 'sort back', act: (page) => page.getByRole('button', { name: 'Method' }).click() },
  { name: 'open a filter', act: (page) => page.locator('summary', { hasText: 'Method' }).click() },
  { name: 'filter by a value', act: (page) => page.getByLabel('method_3').click() },
  { name: 'clear the filters', act: (page) => page.getByRole('button', { name: 'Clear filters' }).click() },
  {
    name: 'type a part of an id',
    act: async (page) => {
      await page.getByLabel('Id contains').pressSequentially('benchmark_2');
      await page.getByRole('button', { name: 'Clear filters' }).click();
    },
  },
  { name: 'select a run', act: (page) => page.locator('tbody input').nth(1).click() },
  {
    name: 'select a range',
    act: (page) =>
      page
        .locator('tbody input')
        .nth(14)
        .click({ modifiers: ['Shift'] }),
  },
  { name: 'select all', act: (page) => page.locator('thead input').click() },
  { name: 'release all', act: (page) => page.locator('thead input').click() },
  {
    name: 'go down by keyboard',
    act: async (page) => {
      await page.locator('tbody [data-control=link]').first().focus();
      for (let i = 0; i < 10; i++) await page.keyboard.press('PageDown');
    },
  },
  {
    name: 'scroll to the end, loading all',
    act: async (page) => {
      const table = page.getByLabel('Table of runs');
      await table.hover();
      for (let i = 0; i < 10; i++) await page.mouse.wheel(0, 600);
      await table.evaluate((section) => section.scrollTo(0, section.scrollHeight));
      await page.locator(`tr[data-index="${(await rowCount(page)) - 1}"]`).waitFor({ timeout: 120_000 });
      await table.evaluate((section) => section.scrollTo(0, 0));
    },
  },
];

/** From an input to the frame that shows its effect, as the page measures it: Event Timing, from 16 ms on, in steps of 8. */
const WATCH = `
  window.painted = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) painted = Math.max(painted, duration);
  }).observe({ type: 'event', durationThreshold: 16 });`;

const trace = z.object({
  traceEvents: z.array(
    z.object({ name: z.string(), pid: z.number(), tid: z.number(), tdur: z.number().optional() }),
  ),
});

/** CPU milliseconds of the longest task of a page's main thread, for which it could not have answered: waiting for a busy machine does not count. */
function longestTask(recorded: Buffer): number {
  const { traceEvents } = trace.parse(JSON.parse(recorded.toString()));
  const threads = new Set(
    traceEvents.filter(({ name }) => name === 'EventDispatch').map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents.filter(
    ({ name, pid, tid }) => name.endsWith('RunTask') && threads.has(`${pid} ${tid}`),
  );
  return Math.max(0, ...tasks.map(({ tdur }) => (tdur ?? 0) / 1000));
}

/** The table of 10,000 runs in Chromium. The explorer must have been built. */
export const explorer: Bench = {
  name: 'explorer',
  doc: 'the table of 10,000 runs in Chromium: from a click to the frame that shows its effect',
  async run({ quick, scratch, threads, repetitions }) {
    const runs = quick ? 1000 : 10_000;
    const directory = await dataset(scratch, `explorer-${runs}`, (unfinished) =>
      withWriter(unfinished, threads, (writer) =>
        generateLake(writer, { runs, predictions: 10 * runs, generations: 0, activations: 0 }),
      ),
    );
    const lake = await openLake(directory, threads);
    const server = await createServer({
      reader: lake,
      explorer: join(ROOT, 'dist', 'web'),
    });
    const origin = await server.listen({ host: '127.0.0.1', port: 0 });
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      await page.addInitScript(WATCH);
      const samples = new Map<string, { painted: number; busy: number }[]>();
      for (let round = 0; round <= repetitions; round++) {
        await page.goto(`${origin}/runs`);
        await settled(page);
        for (const { name, act } of INTERACTIONS) {
          await page.evaluate('window.painted = 0');
          await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline'] });
          await act(page);
          await settled(page);
          const busy = longestTask(await browser.stopTracing());
          const one = { busy, painted: z.number().parse(await page.evaluate('window.painted')) };
          // The first round compiles.
          if (round > 0) samples.set(name, [...(samples.get(name) ?? []), one]);
        }
      }
      return [...samples].flatMap(([name, found]) => [
        outcome(
          `${name}: until painted`,
          found.map(({ painted }) => painted),
        ),
        outcome(
          `${name}: longest task, CPU`,
          found.map(({ busy }) => busy),
        ),
      ]);
    } finally {
      await browser.close();
      await server.close();
      await lake.close();
    }
  },
};

function outcome(what: string, found: readonly number[]): Outcome {
  const ours = spread(found);
  return { what, unit: 'ms', ours, value: ours.median, target: { relation: '<', value: 100 } };
}

/** Waits until the table shows what was asked for, and the page has nothing to do. */
async function settled(page: Page): Promise<void> {
  await page.locator('table[aria-busy=false]').waitFor({ timeout: 60_000 });
  await page.waitForLoadState('networkidle');
  await page.waitForTimeout(150);
}

async function rowCount(page: Page): Promise<number> {
  return Number(await page.locator('table').getAttribute('aria-rowcount')) - 1;
}
