import { defineConfig } from "vitest/config";

/** Scenarios that measure (times, shares, memory): nothing else runs beside them. */
const measured = ["test/scenarios/chaos/**/*.test.ts", "test/scenarios/million-requests.test.ts"];

const common = { testTimeout: 20_000, hookTimeout: 60_000, pool: "forks" } as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: "tests",
          include: ["src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"],
          exclude: ["**/node_modules/**", ...measured],
          // Most scenarios wait more than they work, so two at a time fit on two processors.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: "measured",
          include: measured,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
