import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errors } from "../../src/core/errors.ts";
import * as protocol from "../../src/http1/protocol-error.ts";
import { tableBelow } from "./markdown.ts";

const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
const sorted = (rows: readonly (readonly unknown[])[]) => rows.map((row) => row.join(" | ")).toSorted();

describe("docs/errors.md", () => {
  it("lists the failures of the request path exactly as the code defines them", () => {
    const rows = tableBelow(page, "On the way through");
    const defined = Object.values(errors).map(({ code, status, source, retry }) => [code, status, source, retry]);
    expect(defined.length).toBeGreaterThan(10);
    expect(sorted(rows.map((row) => row.slice(0, 4)))).toEqual(sorted(defined));
    for (const [code, , , , meaning, remedy] of rows) {
      expect(meaning, code).toMatch(/\S/);
      expect(remedy, code).toMatch(/\S/);
    }
  });

  it("lists the reasons for refusing a message exactly as the code defines them", () => {
    const rows = tableBelow(page, "Refused messages");
    const defined = Object.values(protocol).map(({ code, status, rfc }) => [code, status, rfc]);
    expect(defined.length).toBeGreaterThan(20);
    expect(sorted(rows.map((row) => row.slice(0, 3)))).toEqual(sorted(defined));
    for (const [code, , , meaning] of rows) expect(meaning, code).toMatch(/\S/);
  });
});

describe("the codes", () => {
  it("mean one thing each, in snake case", () => {
    const codes = [...Object.values(errors), ...Object.values(protocol)].map(({ code }) => code);
    for (const code of codes) expect(code).toMatch(/^[a-z][a-z0-9_]+$/);
    const repeated = codes.filter((code, index) => codes.indexOf(code) !== index);
    // A body may be too large by its announced length or while it is counted; it is the same error for everybody.
    expect(repeated).toEqual(["body_too_large"]);
    expect(protocol.BODY_TOO_LARGE.status).toBe(errors.bodyTooLarge.status);
  });
});
