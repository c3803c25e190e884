import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { schemaNode } from "../../../config/schema-node.ts";
import { settingsOf } from "./peer.fixture.ts";
import { probes } from "./registry.ts";

const page = readFileSync(fileURLToPath(new URL("../../../../docs/health-checks.md", import.meta.url)), "utf8");
/** Heading → text under it. */
const sections = new Map(page.split(/^## /m).map((part) => [part.split("\n", 1)[0]!, part]));
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => text!);

describe("the page about health checks", () => {
  it.each(probes.map(({ name }) => name))("has a section about %s with an example", (name) => {
    expect(sections.get(name)).toMatch(/^```yaml$/m);
    const example = /^```yaml\n(.*?)^```/ms.exec(sections.get(name)!)![1]!;
    expect((parse(example) as { healthCheck: { type: string } }).healthCheck.type).toBe(name);
  });

  it.each(probes)("names every setting of $name", ({ schema }) => {
    for (const key of Object.keys(schemaNode(schema).properties ?? {}))
      expect(page).toMatch(new RegExp(`\\b${key}\\b`));
  });

  it.each(blocks)("has examples that work: %s", (block) => {
    const { healthCheck } = parse(block) as { healthCheck: object };
    expect(settingsOf(healthCheck).problems).toEqual([]);
  });
});
