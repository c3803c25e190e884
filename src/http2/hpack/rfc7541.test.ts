import { describe, expect, it } from "vitest";
import { FieldList } from "../field-list.ts";
import { HpackDecoder } from "./decoder.ts";
import { HpackEncoder } from "./encoder.ts";
import { encodeHuffman, huffmanLength } from "./huffman-encoder.ts";

/*
 * The examples of RFC 7541 appendix C. Encoders may choose, so backward only what is determined is compared: strings in the
 * Huffman code, and that a decoder reads the same list from what our encoder makes of it.
 */

type List = readonly string[];

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

function decode(decoder: HpackDecoder, block: Buffer): string[] {
  const fields = new FieldList();
  expect(decoder.decode(block, 0, block.length, fields)).toBeNull();
  return fields.fields.slice(0, fields.count).map(({ name, value }) => `${name}: ${value}`);
}

/** What the dynamic table holds, newest first, seen from outside: indices from 62 on until one is refused. */
function table(decoder: HpackDecoder): string[] {
  const entries: string[] = [];
  for (let index = 62; ; index++) {
    const fields = new FieldList();
    if (decoder.decode(Buffer.from([0x80 | index]), 0, 1, fields) !== null) return entries;
    entries.push(`${fields.fields[0].name}: ${fields.fields[0].value}`);
  }
}

/** Bytes that the entries count for. */
function sizeOf(entries: List): number {
  return entries.reduce((sum, entry) => sum + entry.length - 2 + 32, 0);
}

/** How a size update is written: an index as large as in the examples does not exist. */
function announced(size: number): string {
  const encoder = new HpackEncoder();
  encoder.setMaxTableSize(size);
  encoder.begin();
  return encoder.buffer.toString("hex", 0, encoder.length);
}

describe("C.1: integers", () => {
  it("writes 10 and 1337 with a prefix of 5 bits", () => {
    expect(announced(10)).toBe((0x20 | 10).toString(16));
    expect(announced(1337)).toBe("3f9a0a");
  });
  it("reads 1337 with a prefix of 5 bits", () => {
    const decoder = new HpackDecoder(1337);
    decoder.settingsAcknowledged();
    expect(decode(decoder, bytesOf("3f9a0a"))).toEqual([]);
    expect(decoder.decode(bytesOf("3f9b0a"), 0, 3, new FieldList())).toContain("above");
  });
  it("reads 42 with a prefix of 8 bits less the first", () => {
    expect(new HpackDecoder(4096).decode(bytesOf("aa"), 0, 1, new FieldList())).toBeNull();
  });
});

const single: [name: string, hex: string, field: string, table: List][] = [
  [
    "C.2.1",
    "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
    "custom-key: custom-header",
    ["custom-key: custom-header"],
  ],
  ["C.2.2", "040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path", []],
  ["C.2.3", "1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret", []],
  ["C.2.4", "82", ":method: GET", []],
];

describe("C.2: single fields", () => {
  it.each(single)("%s is decoded", (_, hex, field, entries) => {
    const decoder = new HpackDecoder(4096);
    expect(decode(decoder, bytesOf(hex))).toEqual([field]);
    expect(table(decoder)).toEqual(entries);
  });

  it("C.2.3 and C.2.4 are encoded so", () => {
    const encoder = new HpackEncoder();
    encoder.begin();
    encoder.field("password", "secret", true);
    expect(encoder.buffer.toString("hex", 0, encoder.length)).toBe(bytesOf(single[2][1]).toString("hex"));
    encoder.begin();
    encoder.indexed(2);
    expect(encoder.buffer.toString("hex", 0, encoder.length)).toBe("82");
  });

  it("C.2.2 is encoded so: a path is not indexed the first time", () => {
    const encoder = new HpackEncoder();
    encoder.begin();
    encoder.named(4, "/sample/path", false);
    expect(encoder.buffer.toString("hex", 0, encoder.length)).toBe(bytesOf(single[1][1]).toString("hex"));
  });
});

const requests: List[] = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
  [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"],
];
const requestTables: List[] = [
  [":authority: www.example.com"],
  ["cache-control: no-cache", ":authority: www.example.com"],
  ["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"],
];
const date = (second: number) => `date: Mon, 21 Oct 2013 20:13:${second} GMT`;
const location = "location: https://www.example.com";
const setCookie = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const responses: List[] = [
  [":status: 302", "cache-control: private", date(21), location],
  [":status: 307", "cache-control: private", date(21), location],
  [":status: 200", "cache-control: private", date(22), location, "content-encoding: gzip", setCookie],
];
const responseTables: List[] = [
  [location, date(21), "cache-control: private", ":status: 302"],
  [":status: 307", location, date(21), "cache-control: private"],
  [setCookie, "content-encoding: gzip", date(22)],
];

const series: [name: string, tableSize: number, blocks: string[], lists: List[], tables: List[], sizes: number[]][] = [
  [
    "C.3",
    4096,
    [
      "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "8286 84be 5808 6e6f 2d63 6163 6865",
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ],
    requests,
    requestTables,
    [57, 110, 164],
  ],
  [
    "C.4",
    4096,
    [
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      "8286 84be 5886 a8eb 1064 9cbf",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ],
    requests,
    requestTables,
    [57, 110, 164],
  ],
  [
    "C.5",
    256,
    [
      "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d " +
        "546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "4803 3330 37c1 c0bf",
      "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f " +
        "6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 " +
        "303b 2076 6572 7369 6f6e 3d31",
    ],
    responses,
    responseTables,
    [222, 222, 215],
  ],
  [
    "C.6",
    256,
    [
      "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 " +
        "8f0b 97c8 e9ae 82ae 43d3",
      "4883 640e ffc1 c0bf",
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 " +
        "dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ],
    responses,
    responseTables,
    [222, 222, 215],
  ],
];

describe("C.3 to C.6: several blocks", () => {
  it.each(series)("%s is decoded, and the table is what it should be", (_, size, blocks, lists, tables, sizes) => {
    const decoder = new HpackDecoder(size);
    if (size < 4096) decode(decoder, bytesOf("3fe101"));
    blocks.forEach((block, i) => {
      expect(decode(decoder, bytesOf(block))).toEqual(lists[i]);
      expect(table(decoder)).toEqual(tables[i]);
      expect(sizeOf(tables[i])).toBe(sizes[i]);
    });
  });

  it.each(series)("the lists of %s come back from what our encoder makes of them", (_, size, __, lists) => {
    const encoder = new HpackEncoder();
    encoder.setMaxTableSize(size);
    const decoder = new HpackDecoder(size);
    for (const list of [...lists, ...lists, ...lists]) {
      encoder.begin();
      for (const field of list) {
        const colon = field.indexOf(":", 1);
        encoder.field(field.slice(0, colon), field.slice(colon + 2));
      }
      expect(decode(decoder, encoder.buffer.subarray(0, encoder.length))).toEqual(list);
    }
  });
});

const strings: [text: string, hex: string][] = [
  ["www.example.com", "f1e3 c2e5 f23a 6ba0 ab90 f4ff"],
  ["no-cache", "a8eb 1064 9cbf"],
  ["custom-key", "25a8 49e9 5ba9 7d7f"],
  ["custom-value", "25a8 49e9 5bb8 e8b4 bf"],
  ["302", "6402"],
  ["private", "aec3 771a 4b"],
  ["Mon, 21 Oct 2013 20:13:21 GMT", "d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff"],
  ["https://www.example.com", "9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3"],
  ["gzip", "9bd9 ab"],
  [
    "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
  ],
];

it.each(strings)("C.4 and C.6: %s is Huffman-coded so", (text, hex) => {
  const bytes = Buffer.from(text, "latin1");
  const out = Buffer.alloc(100);
  const end = encodeHuffman(bytes, 0, bytes.length, out, 0);
  expect(out.toString("hex", 0, end)).toBe(bytesOf(hex).toString("hex"));
  expect(huffmanLength(bytes, 0, bytes.length)).toBe(end);
});
