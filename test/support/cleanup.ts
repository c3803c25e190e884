import { afterAll, onTestFinished } from "vitest";

type Step = () => unknown;
const fileWide: Step[] = [];

/**
 * Runs `step` when the current test has ended, or at the end of the test file when called outside of a test
 * (at the top level or in `beforeAll`). Last registered, first run.
 */
export function atEnd(step: Step): void {
  try {
    onTestFinished(async () => {
      await step();
    });
  } catch {
    fileWide.push(step);
  }
}

afterAll(async () => {
  for (const step of fileWide.splice(0).toReversed()) await step();
});
