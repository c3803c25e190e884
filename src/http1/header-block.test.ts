import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FIELD_COUNT, FIELD_NAMES, FieldId, HOP_BY_HOP, fieldId, fieldIdOfBytes, fieldTable } from "./fields.ts";
import { COMPLETE } from "./parse-status.ts";
import { parseRequestHead } from "./parse-request-head.ts";
import { RequestHead } from "./request-head.ts";

const limits = { maxRequestLine: 1000, maxHeadSize: 100_000, maxHeaders: 1000 };
const nothing = fieldTable();

function headOf(lines: string): RequestHead {
  const head = new RequestHead();
  const text = `GET / HTTP/1.1\r\nHost: h\r\n${lines}\r\n`;
  expect(parseRequestHead(head, text, 0, limits), head.error?.code).toBe(COMPLETE);
  return head;
}

describe("fieldId", () => {
  it("knows every name of the table in any case", () => {
    for (let id = 1; id < FIELD_COUNT; id++) {
      const name = FIELD_NAMES[id];
      for (const written of [name, name.toUpperCase(), name.replace(/(^|-)./g, (part) => part.toUpperCase())]) {
        expect(fieldId(`<${written}>`, 1, 1 + written.length), written).toBe(id);
        expect(fieldIdOfBytes(Buffer.from(written), 0, written.length), written).toBe(id);
      }
    }
  });

  it("spells the names as they are registered", () => {
    expect(
      [FieldId.xForwardedFor, FieldId.te, FieldId.etag, FieldId.secWebsocketKey].map((id) => FIELD_NAMES[id]),
    ).toEqual(["x-forwarded-for", "te", "etag", "sec-websocket-key"]);
  });

  it("gives 0 for everything else", () => {
    for (const name of ["", "x", "hos", "hosts", "hast", "content_length", "x-forwarded-fox", "\xe4"]) {
      expect(fieldId(name, 0, name.length), name).toBe(0);
    }
  });
});

describe("HeaderBlock", () => {
  it("finds fields by name and id", () => {
    const head = headOf("Accept: a\r\nX-One:  1 \r\naccept: b\r\nEmpty:\r\n");
    expect(head.get("accept")).toBe("a");
    expect(head.getById(FieldId.accept)).toBe("a");
    expect(head.all("accept")).toEqual(["a", "b"]);
    expect(head.get("x-one")).toBe("1");
    expect(head.get("empty")).toBe("");
    expect(head.get("missing")).toBeUndefined();
    expect([head.has(FieldId.accept), head.has(FieldId.cookie)]).toEqual([true, false]);
  });

  it("finds cookies over several fields", () => {
    const head = headOf('Cookie: aa=0; a=1;b="2 ; c=\r\nCookie: d=4=5 ;a=6; e\r\n');
    expect(["a", "b", "c", "d", "aa", "e", "x", "A", ""].map((name) => head.cookie(name))).toEqual([
      "1",
      '"2',
      "",
      "4=5",
      "0",
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("keeps all lines as one slice when nothing is dropped", () => {
    const head = headOf("B: c\r\nD:  e \r\n");
    expect(head.keptLines(nothing)).toBe("Host: h\r\nB: c\r\nD:  e \r\n");
    const bare = new RequestHead();
    expect(parseRequestHead(bare, "GET / HTTP/1.0\r\n\r\n", 0, limits)).toBe(COMPLETE);
    expect(bare.keptLines(HOP_BY_HOP)).toBe("");
  });

  it("drops by id, by name, and what Connection nominates (RFC 9110 7.6.1)", () => {
    const head = headOf(
      "Connection: close, X-Private\r\nx-private: 1\r\nTE: trailers\r\nA: b\r\nKeep-Alive: 5\r\nC: d\r\n",
    );
    expect(head.keptLines(HOP_BY_HOP)).toBe("Host: h\r\nA: b\r\nC: d\r\n");
    expect(head.keptLines(HOP_BY_HOP, new Set(["a", "host"]))).toBe("C: d\r\n");
    expect(head.nominated("x-private")).toBe(true);
    expect(head.nominated("a")).toBe(false);
  });

  it("does not let Connection strip fields that are meant for the server", () => {
    const lines =
      "Authorization: a\r\nContent-Length: 0\r\nX-Forwarded-For: b\r\nX-Forwarded-Client-Cert: c\r\nCookie: d\r\nX-Request-Id: e\r\n";
    const names = "Host, Authorization, Content-Length, X-Forwarded-For, X-Forwarded-Client-Cert, Cookie, X-Request-Id";
    const head = headOf(`Connection: ${names}\r\n${lines}`);
    expect(head.keptLines(HOP_BY_HOP)).toBe(`Host: h\r\n${lines}`);
    expect(head.nominated("authorization")).toBe(false);
  });

  it("does not let Connection strip the framing, which would make the body the next request", () => {
    const head = headOf("Connection: Transfer-Encoding, te\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n");
    expect(head.keptLines(fieldTable(FieldId.connection))).toBe("Host: h\r\nTransfer-Encoding: chunked\r\n");
    expect(head.nominated("transfer-encoding")).toBe(false);
  });

  it("never keeps a dropped field, and keeps all others in order", () => {
    const name = fc.constantFrom(
      "Accept",
      "COOKIE",
      "x-a",
      "X-B",
      "te",
      "Via",
      "upgrade",
      "x-forwarded-for",
      "Trailer",
    );
    const line = fc.tuple(name, fc.stringMatching(/^[a-z ]{0,5}$/));
    const options = fc.array(fc.constantFrom("x-a", "X-b", "via", "close", "te", ""), { maxLength: 3 });
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 40 }),
        options,
        fc.uint8Array({ minLength: FIELD_COUNT, maxLength: FIELD_COUNT, max: 1 }),
        (fields, nominated, drop) => {
          const all = [["Host", "h"], ["Connection", nominated.join(",")], ...fields] as [string, string][];
          const head = headOf(
            all
              .slice(1)
              .map(([n, v]) => `${n}: ${v}\r\n`)
              .join(""),
          );
          const names = nominated.map((option) => option.toLowerCase());
          const expected = all.filter(([n]) => {
            const lower = n.toLowerCase();
            return (
              drop[fieldId(n, 0, n.length)] !== 1 && !(names.includes(lower) && ["x-a", "x-b", "te"].includes(lower))
            );
          });
          expect(head.keptLines(drop)).toBe(expected.map(([n, v]) => `${n}: ${v}\r\n`).join(""));
        },
      ),
    );
  });
});
