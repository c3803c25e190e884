import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestHead, responseHead } from "./head.fixture.ts";
import { HeaderEdits } from "./header-edits.ts";

const received = () => requestHead("GET / HTTP/1.1", "Host: a", "X-A: 1", "X-B: 2");

describe("HeaderEdits", () => {
  it("show themselves in what is read", () => {
    const edits = new HeaderEdits();
    const head = received();
    expect([edits.get(head, "x-a"), edits.get(head, "x-c")]).toEqual(["1", undefined]);
    edits.set("X-A", "new");
    edits.add("X-C", "3");
    edits.remove("x-b");
    expect(["x-a", "x-b", "x-c"].map((name) => edits.get(head, name))).toEqual(["new", undefined, "3"]);
  });

  it("replace, add and remove lines of any case", () => {
    const edits = new HeaderEdits();
    edits.set("X-A", "1");
    edits.add("x-a", "2");
    edits.add("X-B", "3");
    expect(edits.lines).toBe("X-A: 1\r\nx-a: 2\r\nX-B: 3\r\n");
    edits.remove("X-a");
    expect(edits.lines).toBe("X-B: 3\r\n");
    expect([...edits.removed]).toEqual(["x-a"]);
    edits.set("x-b", "4");
    expect(edits.lines).toBe("x-b: 4\r\n");
  });

  it.each(["Content-Length", "transfer-encoding", "CONNECTION", "Upgrade", "Trailer"])("leave %s alone", (name) => {
    const edits = new HeaderEdits();
    for (const change of [() => edits.set(name, "1"), () => edits.add(name, "1"), () => edits.remove(name)])
      expect(change).toThrow(TypeError);
    expect([edits.lines, edits.removed.size]).toEqual(["", 0]);
  });

  it("make whole lines of allowed bytes or nothing, whatever is asked for", () => {
    const name = fc.oneof(fc.string(), fc.constantFrom("x-a", "X-B", "content-length", "Connection", "a\r\nb"));
    const value = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("v", "a\r\nContent-Length: 5", "a\nb", "€"));
    const change = fc.tuple(fc.constantFrom("set", "add", "remove"), name, value);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        const edits = new HeaderEdits();
        for (const [kind, field, text] of changes) {
          try {
            if (kind === "remove") edits.remove(field);
            else edits[kind as "set"](field, text);
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError);
          }
        }
        expect(edits.lines).toMatch(/^([!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*\r\n)*$/);
        // Read back, no line is about the framing.
        const head = responseHead("GET", "HTTP/1.1 200 OK", ...edits.lines.split("\r\n").slice(0, -1));
        expect([head.contentLength, head.chunked, head.keepAlive]).toEqual([-1, false, true]);
        for (const own of ["content-length", "transfer-encoding", "connection", "upgrade", "trailer"])
          expect(edits.removed.has(own)).toBe(false);
      }),
      { numRuns: 150 },
    );
  });
});
