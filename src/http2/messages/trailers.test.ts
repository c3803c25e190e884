import { describe, expect, it } from "vitest";
import { FieldList } from "../field-list.ts";
import { fieldsOf } from "./fields.fixture.ts";
import { readTrailers } from "./trailers.ts";

describe("trailers", () => {
  it.each([
    ["of gRPC", ["grpc-status: 0", "grpc-message: "], "grpc-status: 0\r\ngrpc-message: \r\n"],
    ["nothing", [], ""],
    ["without what must not be there", ["x: 1", "content-length: 5", "host: h", "set-cookie: a"], "x: 1\r\n"],
  ])("%s", (_, fields, lines) => {
    expect(readTrailers(fieldsOf(...fields))).toBe(lines);
  });

  it.each([
    ["a pseudo-header", [":status: 200"]],
    ["a pseudo-header behind fields", ["x: 1", ":path: /"]],
    ["connection", ["connection: close"]],
    ["transfer-encoding", ["x: 1", "transfer-encoding: chunked"]],
    ["upgrade", ["upgrade: a"]],
    ["an upper-case name", ["X: 1"]],
    ["CRLF in a value", ["x: 1\r\ny: 2"]],
    ["an empty name", [""]],
  ])("malformed: %s", (_, fields) => {
    expect(readTrailers(fieldsOf(...fields))).toBeNull();
  });

  it("beyond the limits", () => {
    const list = new FieldList(40, 10);
    list.add(fieldsOf("x: 1").fields[0]);
    list.add(fieldsOf("y: 2").fields[0]);
    expect(readTrailers(list)).toBeNull();
  });
});
