import { appendFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

/**
 * Writes the totals of a run, as JSON, to the file that EVENKEEL_TEST_SUMMARY names; scripts/test.sh ends with them.
 * A file that cannot be loaded and an error outside of any test count as one failure each.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const file = process.env["EVENKEEL_TEST_SUMMARY"];
    if (file === undefined) return;
    let passed = 0;
    let failed = unhandledErrors.length;
    let skipped = 0;
    for (const module of modules) {
      if (module.errors().length > 0) failed++;
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === "passed") passed++;
        else if (state === "skipped") skipped++;
        else failed++;
      }
    }
    appendFileSync(file, `${JSON.stringify({ passed, failed, skipped })}\n`);
  }
}
