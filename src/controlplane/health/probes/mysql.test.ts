import { createHash, generateKeyPairSync, privateDecrypt, constants } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packet, parseError, parseGreeting, parsePacket, passwordAnswer } from "./mysql-packets.ts";
import { check, on, settingsOf, startPeer, until, type Script } from "./peer.fixture.ts";

const nonce = Buffer.from("abcdefgh12345678ijkl");

function greeting(plugin = "mysql_native_password", version = "8.0.36"): Buffer {
  return packet(
    0,
    Buffer.concat([
      Buffer.from([10]),
      Buffer.from(`${version}\0`),
      Buffer.from([7, 0, 0, 0]),
      nonce.subarray(0, 8),
      Buffer.from([0, 0xff, 0xf7, 45, 2, 0, 0xff, 0x81, 21]),
      Buffer.alloc(10),
      nonce.subarray(8),
      Buffer.from(`\0${plugin}\0`),
    ]),
  );
}
const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
const failure = (code: number, text: string, state = "#HY000"): Buffer =>
  Buffer.concat([Buffer.from([0xff, code & 255, code >> 8]), Buffer.from(state + text)]);
const switchTo = (plugin: string): Buffer =>
  Buffer.concat([Buffer.from(`\u00fe${plugin}\0`, "latin1"), nonce, Buffer.from([0])]);
const row = (value: string): Buffer =>
  Buffer.concat([
    packet(1, Buffer.from([1])),
    packet(2, Buffer.from("\u0003def column")),
    packet(3, Buffer.from([0xfe, 0, 0, 2, 0])),
    packet(4, Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])),
    packet(5, Buffer.from([0xfe, 0, 0, 2, 0])),
  ]);

/** Greets, then answers the packets that come one after the other; what they held is in `got`. */
function server(
  first: Buffer,
  answers: readonly (Buffer | "raw")[],
  got: Buffer[] = [],
  raw: Buffer = Buffer.alloc(0),
): Script {
  return (socket) => {
    let turn = 0;
    socket.write(first);
    socket.on("data", (data: Buffer) => {
      got.push(data);
      const answer = answers[turn++];
      if (answer === "raw") socket.write(raw);
      else if (answer !== undefined) socket.write(packet(data[3]! + 1, answer));
    });
  };
}

async function ask(script: Script, settings: object = {}, timeout = 5000) {
  const peer = await startPeer(script);
  const result = await check({ type: "mysql", ...settings }, on(peer.port), timeout);
  await until("the connection is closed", () => peer.open() === 0);
  return result;
}

describe("mysql without a login", () => {
  it.each<[string, Script, string, string?]>([
    ["refuses nobody", server(greeting(), [failure(1045, "Access denied")]), "healthy"],
    ["lets nobody in", server(greeting(), [OK]), "healthy"],
    ["does not know this host", server(packet(0, failure(1130, "Host is not allowed", "")), []), "healthy"],
    ["wants another method", server(greeting(), [switchTo("caching_sha2_password"), failure(1045, "no")]), "healthy"],
    ["has an unknown method", server(greeting("client_ed25519"), [failure(1045, "no")]), "healthy"],
    [
      "is full",
      server(packet(0, failure(1040, "Too many connections")), []),
      "unhealthy",
      "Too many connections (1040)",
    ],
    [
      "has shut us out",
      server(packet(0, failure(1129, "Host is blocked", "")), []),
      "unhealthy",
      "Host is blocked (1129)",
    ],
    [
      "is shutting down",
      server(greeting(), [failure(1053, "Server shutdown in progress")]),
      "unhealthy",
      "Server shutdown in progress (1053)",
    ],
    [
      "speaks HTTP",
      server(Buffer.from("HTTP/1.1 400 Bad\r\n\r\n"), []),
      "unhealthy",
      "not an answer of MySQL: a packet of an impossible length",
    ],
    [
      "has an old protocol",
      server(packet(0, Buffer.from("\u00093.23\0")), []),
      "unhealthy",
      'not a greeting of MySQL: "\\t3.23\\u0000"',
    ],
    ["closes", (socket) => socket.end(), "unhealthy", "the server closed the connection without an answer"],
    ["is silent", () => undefined, "unhealthy", "no answer within 150 ms"],
  ])("%s", async (_name, script, outcome, reason) => {
    const result = await ask(script, {}, reason?.includes("within") ? 150 : 5000);
    expect([result.outcome, result.reason]).toEqual([outcome, reason]);
  });

  it("ends the conversation in good order, so that it does not count as a broken one", async () => {
    const got: Buffer[] = [];
    await ask(server(greeting(), [OK], got));
    const login = got[0]!.toString("latin1");
    expect(login).toContain("evenkeel_health\0\0mysql_native_password\0");
    await until("the end has come", () => got.length > 1);
    expect(got[1]).toEqual(Buffer.from([1, 0, 0, 0, 1]));
  });
});

function sha(name: string, ...parts: readonly (Buffer | string)[]): Buffer {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ b[index % b.length]!));
}

describe("mysql with a login", () => {
  const login = { user: "check", password: "secret" };

  it("answers mysql_native_password as the server computes it", async () => {
    const got: Buffer[] = [];
    expect(await ask(server(greeting(), [OK], got), login)).toMatchObject({
      outcome: "healthy",
      details: { version: "8.0.36" },
    });
    const answer = got[0]!.subarray(got[0]!.indexOf("check\0") + 7).subarray(0, 20);
    // The server has SHA1(SHA1(password)) and finds SHA1(password) in the answer.
    const stored = sha("sha1", sha("sha1", "secret"));
    expect(sha("sha1", xor(answer, sha("sha1", nonce, stored)))).toEqual(stored);
  });

  it("answers caching_sha2_password, from memory or with the server's key", async () => {
    const got: Buffer[] = [];
    const known = server(greeting("caching_sha2_password"), [Buffer.from([1, 3])], got);
    const script: Script = (socket, received) => {
      known(socket, received);
      socket.once("data", () => socket.write(packet(3, OK)));
    };
    expect(await ask(script, login)).toMatchObject({ outcome: "healthy" });
    const answer = got[0]!.subarray(got[0]!.indexOf("check\0") + 7).subarray(0, 32);
    const stored = sha("sha256", sha("sha256", "secret"));
    expect(sha("sha256", xor(answer, sha("sha256", stored, nonce)))).toEqual(stored);

    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = publicKey.export({ type: "spki", format: "pem" }) as string;
    got.length = 0;
    const full = server(greeting("caching_sha2_password"), [Buffer.from([1, 4]), Buffer.from(`\u0001${pem}`), OK], got);
    expect(await ask(full, login)).toMatchObject({ outcome: "healthy" });
    const plain = privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, got[2]!.subarray(4));
    expect(xor(plain, nonce).toString()).toBe("secret\0");
  });

  it.each<[string, Script, object, string, string?]>([
    ["role primary", server(greeting(), [OK, "raw"], [], row("0")), { role: "primary" }, "healthy"],
    ["role replica", server(greeting(), [OK, "raw"], [], row("1")), { role: "replica" }, "healthy"],
    [
      "another role",
      server(greeting(), [OK, "raw"], [], row("1")),
      { role: "primary" },
      "unhealthy",
      "role replica, expected primary",
    ],
    [
      "no role",
      server(greeting(), [OK, "raw"], [], row("x")),
      { role: "primary" },
      "unhealthy",
      "the server did not tell its role",
    ],
    [
      "denied",
      server(greeting(), [failure(1045, "Access denied")]),
      {},
      "unhealthy",
      "login refused: Access denied (1045)",
    ],
    [
      "another method",
      server(greeting(), [switchTo("dialog")]),
      {},
      "unhealthy",
      "login with an unknown method (dialog)",
    ],
    [
      "a key that is none",
      server(greeting("caching_sha2_password"), [Buffer.from([1, 4]), Buffer.from("\u0001key")]),
      {},
      "unhealthy",
      "the server sent no usable key for the password",
    ],
    ["nonsense", server(greeting(), [Buffer.from([7, 7])]), {}, "unhealthy", "not an answer of MySQL to a login"],
    [
      "an error for the query",
      server(greeting(), [OK, failure(1227, "denied")]),
      { role: "primary" },
      "unhealthy",
      "denied (1227)",
    ],
  ])("%s", async (_name, script, settings, outcome, reason) => {
    const result = await ask(script, { ...login, ...settings });
    expect([result.outcome, result.reason]).toEqual([outcome, reason]);
  });

  it("follows the server to another method", async () => {
    const got: Buffer[] = [];
    const script = server(greeting("caching_sha2_password"), [switchTo("mysql_native_password"), OK], got);
    expect(await ask(script, login)).toMatchObject({ outcome: "healthy" });
    expect(got[1]!.subarray(4)).toEqual(passwordAnswer("mysql_native_password", "secret", nonce));
  });
});

describe("settings", () => {
  it.each<[object, string]>([
    [{ password: "x" }, "`password` needs `user`"],
    [{ role: "primary" }, "`role` needs `user`"],
    [{ role: "slave" }, "one of any, primary, replica"],
  ])("%j", (settings, text) => {
    expect(settingsOf({ type: "mysql", ...settings }).problems.join()).toContain(text);
  });
});

describe("packets", () => {
  it("of any bytes never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 90 }), fc.boolean(), (rest, framed) => {
        const bytes = framed ? packet(0, Buffer.concat([Buffer.from([10]), rest])) : Buffer.from(rest);
        const found = parsePacket(bytes);
        if (found === undefined || "wrong" in found) return;
        expect(found.end).toBeLessThanOrEqual(bytes.length);
        parseGreeting(found.payload);
        parseError(found.payload);
      }),
      { numRuns: 1000 },
    );
  });

  it("of greetings that are cut are none, or have what is there", () => {
    const whole = greeting().subarray(4);
    for (let length = 1; length < 24; length++)
      expect(parseGreeting(whole.subarray(0, Math.min(length, 20)))).toBeUndefined();
    expect(parseGreeting(whole)).toEqual({ version: "8.0.36", nonce, plugin: "mysql_native_password" });
  });
});
