import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { check, on, settingsOf, startPeer, until, type Script } from "./peer.fixture.ts";
import { errorFields, firstColumn, parseServerMessage, startupMessage } from "./postgresql-messages.ts";
import { ScramClient } from "./scram.ts";

function message(type: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const request = (kind: number, ...rest: readonly (string | Buffer)[]): Buffer => message("R", number(kind), ...rest);
const loggedIn = Buffer.concat([request(0), message("S", "server_version\0", "15\0"), message("Z", "I")]);
const row = (value: string): Buffer =>
  Buffer.concat([
    message("T", "\0\u0001whatever"),
    message("D", Buffer.from([0, 1]), number(value.length), value),
    message("C", "SELECT 1\0"),
    message("Z", "I"),
  ]);
const failure = (code: string, text: string): Buffer => message("E", `SFATAL\0VFATAL\0C${code}\0M${text}\0\0`);

/** Answers the first message, then the second, and so on. */
const turns =
  (...answers: readonly (Buffer | ((data: Buffer) => Buffer))[]): Script =>
  (socket) => {
    let turn = 0;
    socket.on("data", (data: Buffer) => {
      const answer = answers[turn++];
      if (answer !== undefined) socket.write(typeof answer === "function" ? answer(data) : answer);
    });
  };

async function ask(script: Script | Buffer, settings: object = {}, timeout = 5000) {
  const peer = await startPeer(typeof script === "function" ? script : turns(script));
  const result = await check({ type: "postgresql", ...settings }, on(peer.port), timeout);
  await until("the connection is closed", () => peer.open() === 0);
  return { ...result, sent: peer.text() };
}

describe("postgresql without a login", () => {
  it.each<[string, Buffer, string, string?]>([
    ["asks for a password", request(10, "SCRAM-SHA-256\0\0"), "healthy"],
    ["lets everybody in", loggedIn, "healthy"],
    ["does not know the user", failure("28000", 'role "evenkeel_health" does not exist'), "healthy"],
    ["has no such database", failure("3D000", "no such database"), "healthy"],
    [
      "is starting",
      failure("57P03", "the database system is starting up"),
      "unhealthy",
      "the database system is starting up (57P03)",
    ],
    [
      "is full",
      failure("53300", "sorry, too many clients already"),
      "unhealthy",
      "sorry, too many clients already (53300)",
    ],
    [
      "is another protocol",
      Buffer.from("HTTP/1.1 400 Bad\r\n\r\n"),
      "unhealthy",
      "not an answer of PostgreSQL: an unknown kind of message",
    ],
    [
      "is too long",
      Buffer.from("R\u007f\u007f\u007f\u007f"),
      "unhealthy",
      "not an answer of PostgreSQL: a message of an impossible length",
    ],
    ["is too short", message("R"), "unhealthy", "not an answer of PostgreSQL: a request of an impossible length"],
  ])("%s", async (_name, answer, outcome, reason) => {
    const result = await ask(answer);
    expect([result.outcome, result.reason]).toEqual([outcome, reason]);
    expect(result.sent).toContain("user\0evenkeel_health\0database\0postgres\0application_name\0evenkeel-health\0\0");
  });

  it("notices a close", async () => {
    expect(await ask((socket) => socket.end())).toMatchObject({
      reason: "the server closed the connection without an answer",
    });
  });
});

describe("postgresql with a login", () => {
  const login = { user: "check", password: "secret" };

  it("answers MD5", async () => {
    const { outcome, sent } = await ask(turns(request(5, Buffer.from([1, 2, 3, 4])), loggedIn), login);
    const inner = createHash("md5").update("secretcheck").digest("hex");
    const salted = createHash("md5")
      .update(inner)
      .update(Buffer.from([1, 2, 3, 4]))
      .digest("hex");
    expect(outcome).toBe("healthy");
    expect(sent).toContain(`md5${salted}\0`);
  });

  it("answers a plain request", async () => {
    const { outcome, sent } = await ask(turns(request(3), loggedIn), login);
    expect(outcome).toBe("healthy");
    expect(sent).toContain("p\0\0\0\u000bsecret\0");
  });

  it.each<[string, string]>([
    ["secret", "healthy"],
    ["another", "unhealthy"],
  ])("answers SCRAM-SHA-256: %s", async (password, outcome) => {
    const result = await ask(scramServer("secret"), { ...login, password });
    expect(result.outcome).toBe(outcome);
    if (outcome === "unhealthy") expect(result.reason).toBe("login refused: password authentication failed (28P01)");
  });

  it("notices a server that does not know the password", async () => {
    const result = await ask(scramServer("secret", { lies: true }), login);
    expect(result.reason).toBe("the server does not know the password of the login");
  });

  it("refuses to compute without end", async () => {
    const result = await ask(scramServer("secret", { iterations: 2_000_000 }), login);
    expect(result.reason).toBe("SCRAM with 2000000 iterations, more than is allowed");
  });

  it.each<[string, Script, object, string, string?]>([
    ["role primary", turns(loggedIn, row("f")), { role: "primary" }, "healthy"],
    ["role replica", turns(loggedIn, row("t")), { role: "replica" }, "healthy"],
    ["another role", turns(loggedIn, row("t")), { role: "primary" }, "unhealthy", "role replica, expected primary"],
    [
      "no role",
      turns(loggedIn, message("Z", "I")),
      { role: "primary" },
      "unhealthy",
      "the server did not tell its role",
    ],
    [
      "a strange role",
      turns(loggedIn, row("maybe")),
      { role: "primary" },
      "unhealthy",
      "the server did not tell its role",
    ],
    ["wrong password", turns(failure("28P01", "no")), {}, "unhealthy", "login refused: no (28P01)"],
    ["another method", turns(request(7)), {}, "unhealthy", "login with an unknown method (7)"],
    [
      "SCRAM with plus only",
      turns(request(10, "SCRAM-SHA-256-PLUS\0\0")),
      {},
      "unhealthy",
      "login with an unknown method (10)",
    ],
    [
      "shutdown meanwhile",
      turns(loggedIn, failure("57P01", "terminating")),
      { role: "primary" },
      "unhealthy",
      "terminating (57P01)",
    ],
    ["silence behind the login", turns(request(0)), {}, "unhealthy", "no answer within 150 ms"],
  ])("%s", async (_name, script, settings, outcome, reason) => {
    const result = await ask(script, { ...login, ...settings }, reason?.includes("within") ? 150 : 5000);
    expect([result.outcome, result.reason]).toEqual([outcome, reason]);
  });

  it("needs a password when it is asked for one", async () => {
    expect((await ask(request(3), { user: "check" })).reason).toContain("asks for a password, and there is none");
  });
});

describe("settings", () => {
  it.each<[object, string]>([
    [{ password: "x" }, "`password` needs `user`"],
    [{ role: "primary" }, "`role` needs `user`"],
    [{ role: "master" }, 'one of any, primary, replica, not "master"'],
    [{ user: "a\0b" }, "does not match"],
  ])("%j", (settings, text) => {
    expect(settingsOf({ type: "postgresql", ...settings }).problems.join()).toContain(text);
  });
});

describe("messages", () => {
  it("of any bytes never throw", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom("", "R\0\0\0\u0008", "E\0\0\0\u0010", "D\0\0\0\u0012"),
        (rest, start) => {
          const bytes = Buffer.concat([Buffer.from(start, "latin1"), rest]);
          const found = parseServerMessage(bytes);
          errorFields(bytes);
          firstColumn(bytes);
          if (found !== undefined && "end" in found) expect(found.end).toBeLessThanOrEqual(bytes.length);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("begin with their length", () => {
    expect(startupMessage({ user: "a" })).toEqual(Buffer.from("\0\0\0\u0010\0\u0003\0\0user\0a\0\0", "latin1"));
  });

  it("follow the example of RFC 7677 section 3", async () => {
    const client = new ScramClient("pencil", "rOprNGfwEbeRWgbNEkqO");
    expect(client.first("user")).toBe("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    const challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    expect(await client.final(challenge, "user")).toBe(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    );
    expect(client.isServer("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")).toBe(true);
    expect(client.isServer("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")).toBe(false);
    expect(client.isServer("e=other-error")).toBe(false);
  });
});

const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** A server that knows one password, by RFC 5802. */
function scramServer(password: string, options: { lies?: boolean; iterations?: number } = {}): Script {
  const { lies = false, iterations = 4096 } = options;
  const salt = Buffer.from("salt and pepper");
  let bare = "";
  let first = "";
  return turns(
    request(10, "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"),
    (data) => {
      bare = data.toString("latin1").split("n,,")[1]!;
      first = `r=${/r=(.*)$/.exec(bare)![1]}server,s=${salt.toString("base64")},i=${iterations}`;
      return request(11, first);
    },
    (data) => {
      const [, withoutProof, proof] = /(c=biws,r=[^,]*),p=(.*)$/.exec(data.toString("latin1"))!;
      const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
      const text = `${bare},${first},${withoutProof}`;
      const clientKey = hmac(salted, "Client Key");
      const signature = hmac(createHash("sha256").update(clientKey).digest(), text);
      const wanted = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!)).toString("base64");
      if (proof !== wanted) return failure("28P01", "password authentication failed");
      const final = hmac(hmac(salted, lies ? "Other Key" : "Server Key"), text).toString("base64");
      return Buffer.concat([request(12, `v=${final}`), loggedIn]);
    },
  );
}
