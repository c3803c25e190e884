import { readFileSync } from "node:fs";

/*
 * The end of `npm test`: one line with the totals, and the exit status. Arguments: the file of the summary reporter
 * and the exit status of vitest.
 */
const [file, status] = process.argv.slice(2);
const lines = readFileSync(file, "utf8").trim().split("\n").filter(Boolean);
const totals = { passed: 0, failed: 0, skipped: 0 };
for (const line of lines) {
  const run = JSON.parse(line) as typeof totals;
  totals.passed += run.passed;
  totals.failed += run.failed;
  totals.skipped += run.skipped;
}
// A runner that died, or that found nothing to run, is a failure, whatever was counted before.
if (Number(status) !== 0 && totals.failed === 0) totals.failed = 1;
if (totals.passed + totals.failed === 0) totals.failed = 1;
const skipsForbidden = process.env["CI"] === "true" && totals.skipped > 0;
if (skipsForbidden) process.stdout.write("CI=true: no test may be skipped\n");
process.stdout.write(
  `${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ""}\n`,
);
process.exitCode = totals.failed > 0 || skipsForbidden ? 1 : 0;
