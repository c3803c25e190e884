import { describe, expect, it } from "vitest";
import { COMPLETE, NEED_MORE, REFUSED } from "./client-hello-reader.ts";
import { fatalAlert } from "./alert.ts";
import * as f from "./client-hello.fixture.ts";

const grease = [0x0a0a, 0x4a4a, 0xfafa];

function read(parts: f.HelloParts) {
  return f.readHello(f.inRecords(f.helloMessage(parts)));
}
function message(body: Uint8Array): Buffer {
  return f.inRecords(Buffer.concat([Buffer.of(1), f.vector(3, body)]));
}
function extensions(...list: readonly Uint8Array[]) {
  return read({ extensions: list });
}

describe("a ClientHello", () => {
  it("gives name, protocols and versions", () => {
    const { state, hello } = extensions(
      f.extension(grease[0]!),
      f.sni("www.example.test"),
      f.extension(10, f.vector(2, f.number(grease[1]!, 2), f.number(29, 2))),
      f.alpn(String.fromCharCode(0x0a, 0x0a), "h2", "http/1.1"),
      f.versions(grease[2]!, 0x0304, 0x0303),
      f.extension(grease[1]!, Buffer.of(0)),
    );
    expect(state).toBe(COMPLETE);
    expect(hello).toMatchObject({
      cipherSuites: [0x1301, 0xc02f],
      serverName: "www.example.test",
      alpn: ["\n\n", "h2", "http/1.1"],
      versions: [0x0304, 0x0303],
      hasEncryptedHello: false,
    });
  });

  it.each([[null], [[]]])("may come without extensions: %j", (list) => {
    const { state, hello } = read({ extensions: list, legacyVersion: 0x0302 });
    expect(state).toBe(COMPLETE);
    expect(hello).toMatchObject({
      signatureSchemes: [],
      serverName: "",
      alpn: [],
      versions: [0x0302],
      hasEncryptedHello: false,
    });
  });

  it("may have an encrypted one inside", () => {
    const { hello } = extensions(f.sni("public.example.test"), f.extension(0xfe0d, Buffer.alloc(200, 1)));
    expect(hello).toMatchObject({ serverName: "public.example.test", hasEncryptedHello: true });
  });

  it.each([
    ["WWW.Example.TEST", "www.example.test"],
    ["example.test.", "example.test"],
    ["localhost", "localhost"],
    ["xn--mnchen-3ya.example", "xn--mnchen-3ya.example"],
    ["a_b.example", "a_b.example"],
    ["1.2.3.4.example", "1.2.3.4.example"],
    [`${"a".repeat(63)}.test`, `${"a".repeat(63)}.test`],
    [`${"a.".repeat(126)}a`, `${"a.".repeat(126)}a`],
    ["192.0.2.1", ""],
    ["2001:db8::1", ""],
    ["[2001:db8::1]", ""],
  ])("asks for %s", (given, name) => {
    expect(extensions(f.sni(given)).hello?.serverName).toBe(name);
  });

  it.each([
    "",
    ".",
    "..",
    ".example.test",
    "a..test",
    "a.test..",
    "a b",
    "a\0.test",
    "a/b",
    "exämple.test",
    "a:443",
    "*.example.test",
    "www.example.test\r\n",
    `${"a".repeat(64)}.test`,
    `${"a.".repeat(127)}a`,
  ])("is refused with the name %j", (name) => {
    expect(extensions(f.sni(name)).state).toBe(REFUSED);
  });

  it.each<[string, Uint8Array]>([
    ["two host names", f.sni("a.test", "b.test")],
    ["an empty list", f.extension(0, f.vector(2))],
    ["no list", f.extension(0)],
    ["a name that is longer than its list", f.extension(0, f.vector(2, Buffer.of(0, 0, 9), Buffer.from("a.test")))],
    ["bytes behind the list", f.extension(0, f.vector(2, f.serverName("a.test")), Buffer.of(0))],
    ["a list that is longer than the extension", f.extension(0, Buffer.of(0, 99), f.serverName("a.test"))],
  ])("is refused when server_name has %s", (_, bytes) => {
    expect(extensions(bytes).reason).toMatch(/^server_name/);
  });

  it("may give names of other types, which are passed over", () => {
    const other = f.serverName("whatever it is", 7);
    const named = f.extension(0, f.vector(2, other, f.serverName("a.test"), other));
    expect(extensions(named).hello?.serverName).toBe("a.test");
    expect(extensions(f.extension(0, f.vector(2, other))).hello?.serverName).toBe("");
  });

  it("is refused when an extension comes twice", () => {
    const twice = extensions(f.sni("a.test"), f.alpn("h2"), f.sni("b.test"));
    expect(twice).toMatchObject({ state: REFUSED, reason: "an extension comes twice" });
    expect(extensions(f.extension(grease[0]!), f.extension(grease[0]!)).state).toBe(REFUSED);
  });

  it.each<[string, f.HelloParts]>([
    ["a session id of 33 bytes", { session: Buffer.alloc(33) }],
    ["no cipher suites", { ciphers: [] }],
    ["no compression method", { compressions: Buffer.alloc(0) }],
    ["an extension cut short", { extensions: [Buffer.of(0, 99, 0, 4, 1)] }],
    ["an extension without length", { extensions: [Buffer.of(0, 99, 0)] }],
    ["ALPN with an empty name", { extensions: [f.alpn("h2", "")] }],
    ["ALPN without names", { extensions: [f.alpn()] }],
    ["no versions", { extensions: [f.versions()] }],
    ["half a version", { extensions: [f.extension(43, f.vector(1, Buffer.of(3, 4, 3)))] }],
  ])("is malformed with %s", (_, parts) => {
    expect(read(parts)).toMatchObject({ state: REFUSED, reason: "the ClientHello is malformed" });
  });

  it("is malformed when bytes follow its extensions, or it ends anywhere earlier", () => {
    const whole = f.helloMessage({ extensions: [f.sni("a.test"), f.alpn("h2")] }).subarray(4);
    expect(f.readHello(message(whole)).state).toBe(COMPLETE);
    expect(f.readHello(message(Buffer.concat([whole, Buffer.of(0)]))).state).toBe(REFUSED);
    // The one place where it may end: before the extensions.
    const bare = f.helloMessage({ extensions: null }).length - 4;
    for (let length = 0; length < whole.length; length++)
      expect(f.readHello(message(whole.subarray(0, length))).state, String(length)).toBe(
        length === bare ? COMPLETE : REFUSED,
      );
  });

  it("is too old before SSL 3.0", () => {
    expect(read({ legacyVersion: 0x0200 })).toMatchObject({ state: REFUSED, reason: "older than SSL 3.0" });
  });
});

describe("records", () => {
  const message = f.helloMessage({ extensions: [f.sni("a.test")] });

  it("may cut the hello anywhere, and come in any pieces", () => {
    for (let cut = 1; cut < message.length; cut++)
      expect(f.readHello(f.inRecords(message, [cut, 1])).hello?.serverName, String(cut)).toBe("a.test");
    expect(f.readHello(f.inRecords(message, [1]), [1]).hello?.serverName).toBe("a.test");
  });

  it("may carry more behind the hello, which is not looked at", () => {
    const more = Buffer.concat([message, Buffer.of(11, 0, 0, 1, 0)]);
    expect(f.readHello(f.inRecords(more)).state).toBe(COMPLETE);
    expect(f.readHello(Buffer.concat([f.inRecords(message), Buffer.of(99, 99)])).state).toBe(COMPLETE);
    // Within the record that has the hello's last byte, before that record is complete.
    const header = Buffer.of(22, 3, 1, 0x40, 0);
    expect(f.readHello(Buffer.concat([header, message])).state).toBe(COMPLETE);
  });

  it("may have any minor version", () => {
    for (const minor of [0, 1, 3, 4, 255]) expect(f.readHello(f.inRecords(message, [50], minor)).state).toBe(COMPLETE);
  });

  it("need not be complete yet", () => {
    const bytes = f.inRecords(message);
    for (let length = 1; length < bytes.length; length++)
      expect(f.readHello(bytes.subarray(0, length)).state, String(length)).toBe(NEED_MORE);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), /^text, such as HTTP/],
    ["SSL 2.0", Buffer.of(0x80, 0x2e, 1, 0, 2), /^SSL 2.0/],
    ["an alert", Buffer.from(fatalAlert(80)), /^an alert/],
    ["zeros", Buffer.alloc(10), /^not TLS$/],
    ["another major version", Buffer.of(22, 2, 0, 0, 9), /^not a TLS record$/],
    ["a server's hello", f.inRecords(Buffer.of(2, 0, 0, 1, 0)), /^the handshake begins otherwise$/],
    ["an empty record", Buffer.concat([Buffer.of(22, 3, 1, 0, 0), f.inRecords(message)]), /empty$/],
    ["a record that is too long", Buffer.of(22, 3, 1, 0x40, 1), /^a record is longer/],
    ["a hello without contents", f.inRecords(Buffer.of(1, 0, 0, 0)), /^the ClientHello is malformed$/],
    [
      "another kind of record within the hello",
      Buffer.concat([f.inRecords(message.subarray(0, 9)), Buffer.from(fatalAlert(80))]),
      /^an alert/,
    ],
  ])("are refused when they are %s", (_, bytes, reason) => {
    const reading = f.readHello(bytes);
    expect(reading.state).toBe(REFUSED);
    expect(reading.reason).toMatch(reason);
    // As soon as it can be known, and however it comes.
    expect(f.readHello(bytes, [1])).toEqual(reading);
  });

  it("are limited in number, and the hello in length, which is known before it comes", () => {
    const limits = { maxHello: message.length, maxRecords: 3 };
    expect(f.readHello(f.inRecords(message, [20, 20, 4000]), [9], limits).state).toBe(COMPLETE);
    expect(f.readHello(f.inRecords(message, [20, 20, 1]), [9], limits).reason).toMatch(/too many records$/);
    const short = { ...limits, maxHello: message.length - 1 };
    expect(f.readHello(f.inRecords(message.subarray(0, 4)), [9], short).reason).toBe("the ClientHello is too long");
  });
});

it("names what the client verifies signatures with", () => {
  const { hello } = extensions(f.extension(13, Buffer.of(0, 4, 4, 3, 8, 4)));
  expect(hello?.signatureSchemes).toEqual([0x0403, 0x0804]);
  expect(extensions(f.extension(13, Buffer.of(0, 3, 4, 3, 8))).state).toBe(REFUSED);
});
