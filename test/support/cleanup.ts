import { afterAll, onTestFailed, onTestFinished } from "vitest";

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

/** Runs `step` when the current test fails; does nothing outside of a test. */
export function onFailure(step: Step): void {
  try {
    onTestFailed(() => void step());
  } catch {
    // At the top level of a file there is no test that could fail.
  }
}

afterAll(async () => {
  for (const step of fileWide.splice(0).toReversed()) await step();
});
