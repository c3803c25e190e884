import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { nodeProblem } from "./node-version.ts";

it("names the version that is needed and the one that is there", () => {
  expect(nodeProblem("v20.20.2")).toMatch(/Node\.js 24 or later.*v20\.20\.2/);
  expect(nodeProblem("v9.0.0")).toBeDefined();
  for (const good of ["v24.0.0", "v24.1.0-nightly", "v100.0.0"]) expect(nodeProblem(good)).toBeUndefined();
});

it("agrees with package.json", () => {
  const { engines } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(nodeProblem("v1.0.0")).toContain(`Node.js ${engines.node.replace(/\D/g, "")} or later`);
});
