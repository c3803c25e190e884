import { describe, expect, it } from "vitest";
import { FIELD_NAMES, FieldId } from "../../http1/fields.ts";
import * as tables from "./dropped-fields.ts";

const dropped = (table: Uint8Array) => FIELD_NAMES.filter((_, id) => table[id] === 1);
const withThese = (table: Uint8Array, ...ids: number[]) =>
  [...dropped(table), ...ids.map((id) => FIELD_NAMES[id])].toSorted();
const framing = [FieldId.contentLength, FieldId.transferEncoding];

describe("dropped fields", () => {
  it("are all those of one connection, in both directions", () => {
    for (const table of Object.values(tables))
      expect(dropped(table)).toEqual(
        expect.arrayContaining(["connection", "keep-alive", "proxy-connection", "te", "upgrade"]),
      );
  });

  it("are whatever a client says about itself", () => {
    expect(dropped(tables.requestDrops)).toEqual(
      expect.arrayContaining(FIELD_NAMES.filter((name) => /^(x-)?forwarded(-(for|proto|host|port))?$/.test(name))),
    );
    expect(dropped(tables.requestDrops)).toContain("x-request-id");
  });

  it("are never the framing's unless the body is framed anew", () => {
    for (const table of [tables.requestDrops, tables.requestDropsWithHost, tables.responseDrops])
      for (const id of framing) expect(table[id]).toBe(0);
  });

  it("differ between the tables by Host and framing only", () => {
    const base = tables.requestDrops;
    expect(dropped(tables.requestDropsWithHost).toSorted()).toEqual(withThese(base, FieldId.host));
    expect(dropped(tables.requestDropsReframed).toSorted()).toEqual(withThese(base, ...framing));
    expect(dropped(tables.requestDropsReframedWithHost).toSorted()).toEqual(withThese(base, FieldId.host, ...framing));
    expect(dropped(tables.responseDropsReframed).toSorted()).toEqual(withThese(tables.responseDrops, ...framing));
  });

  it("are not fields that nobody knows", () => {
    for (const table of Object.values(tables)) expect(table[FieldId.unknown]).toBe(0);
  });
});
