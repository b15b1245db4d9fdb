import { existsSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { sharedDir } from './shared.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (sharedDir === undefined) {
    console.warn('notice: no ../shared folder, so the tests against recorded artifacts are skipped');
  }
  const { newStateFolder, stopOrphans, stopS3Server } = await import('./s3-state.ts');
  await stopOrphans();
  const folder = newStateFolder();
  project.provide('s3StateFolder', folder);
  return async () => {
    if (existsSync(folder)) await stopS3Server(folder);
  };
}
