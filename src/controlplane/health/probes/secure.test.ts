import { describe, expect, it } from "vitest";
import { authority, expiredCertificate } from "./certificate.fixture.ts";
import { answering, check, on, settingsOf, startPeer, testClock, until, type Script } from "./peer.fixture.ts";

const DAY = 86_400_000;
const EXPIRY = Date.UTC(2120, 0, 1);
const at = (wall: number) => ({ ...testClock, wall: () => wall });
const silent: Script = () => undefined;

describe("tls", () => {
  it("accepts a trusted certificate and tells when it expires", async () => {
    const peer = await startPeer(silent, { tls: true });
    expect(await check({ type: "tls", ca: authority }, on(peer.port))).toEqual({
      outcome: "healthy",
      details: { certificateExpires: "2120-01-01T00:00:00.000Z", protocol: "TLSv1.3" },
    });
    await until("the connection is closed", () => peer.open() === 0);
  });

  it.each<[string, object, string?]>([
    ["self-made authority", {}, "the certificate is not trusted: its authority is not among the trusted ones (`ca`)"],
    ["self-made authority, unverified", { verify: false }],
    ["its name", { ca: authority, serverName: "api.example.com" }],
    [
      "another name",
      { ca: authority, serverName: "www.example.com" },
      "the certificate is not trusted: it is for another name (`serverName`)",
    ],
  ])("%s", async (_name, settings, reason) => {
    const peer = await startPeer(silent, { tls: true });
    const result = await check({ type: "tls", ...settings }, on(peer.port));
    expect([result.outcome, result.reason]).toEqual(reason ? ["unhealthy", reason] : ["healthy", undefined]);
  });

  it.each<[string, number, object, string, string?]>([
    ["15 days before", EXPIRY - 15 * DAY, {}, "healthy"],
    ["13 days before", EXPIRY - 13 * DAY, {}, "degraded", "the certificate expires on 2120-01-01"],
    ["13 days before, looking at 7", EXPIRY - 13 * DAY, { minimumValidity: "7d" }, "healthy"],
    ["behind", EXPIRY + 1, {}, "unhealthy", "the certificate expired on 2120-01-01"],
    ["behind, unverified", EXPIRY + 1, { verify: false }, "unhealthy", "the certificate expired on 2120-01-01"],
    ["behind, off and unverified", EXPIRY + 1, { verify: false, minimumValidity: 0 }, "healthy"],
  ])("judges the expiry: %s", async (_name, wall, settings, outcome, reason) => {
    const peer = await startPeer(silent, { tls: true });
    const trust = "verify" in settings ? {} : { ca: authority };
    const result = await check({ type: "tls", ...trust, ...settings }, on(peer.port), 5000, at(wall));
    expect([result.outcome, result.reason]).toEqual([outcome, reason]);
  });

  it("names a certificate that has really expired", async () => {
    const peer = await startPeer(silent, { tls: true, cert: expiredCertificate });
    const result = await check({ type: "tls", ca: authority }, on(peer.port));
    expect(result).toMatchObject({ outcome: "unhealthy", reason: "the certificate expired on 2021-01-01" });
    expect(result.details).toMatchObject({ certificateExpires: "2021-01-01T00:00:00.000Z" });
  });

  it.each<[string, Script, RegExp, number]>([
    [
      "plain text",
      (socket) => socket.write("220 mail ready\r\n"),
      /^TLS handshake failed: wrong version number$/,
      5000,
    ],
    ["silence", silent, /^no TLS handshake within 100 ms$/, 100],
    ["a close", (socket) => socket.end(), /TLS handshake/, 5000],
    ["a reset", (socket) => socket.resetAndDestroy(), /: reset by the server$/, 5000],
  ])("is not fooled by %s", async (_name, script, reason, timeout) => {
    const peer = await startPeer(script);
    const result = await check({ type: "tls" }, on(peer.port), timeout);
    expect(result.outcome).toBe("unhealthy");
    expect(result.reason).toMatch(reason);
    expect(result.unreachable).toBeUndefined();
    await until("the connection is closed", () => peer.open() === 0);
  });
});

describe("https", () => {
  const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  it("asks over TLS", async () => {
    const peer = await startPeer(answering(ok), { tls: true });
    const result = await check({ type: "https", ca: authority, body: "ok", path: "/h" }, on(peer.port));
    expect(result).toMatchObject({ outcome: "healthy", details: { status: 200, protocol: "TLSv1.3" } });
    expect(peer.text()).toMatch(new RegExp(`^GET /h HTTP/1\\.1\\r\\nHost: 127\\.0\\.0\\.1:${peer.port}\\r\\n`));
  });

  it("sends nothing to a server that it does not trust", async () => {
    const peer = await startPeer(answering(ok), { tls: true });
    const result = await check({ type: "https", headers: { Authorization: "Basic c2VjcmV0" } }, on(peer.port));
    expect(result).toMatchObject({ outcome: "unhealthy" });
    expect(result.reason).toContain("not trusted");
    await until("the connection is closed", () => peer.open() === 0);
    expect(peer.text()).toBe("");
  });

  it("asks for the name of `host`", async () => {
    const names: unknown[] = [];
    const script: Script = (socket, received) => {
      names.push((socket as { servername?: unknown }).servername);
      answering(ok)(socket, received);
    };
    const peer = await startPeer(script, { tls: true });
    const settings = { type: "https", ca: authority, host: "api.example.com:8443" };
    expect(await check(settings, on(peer.port))).toMatchObject({ outcome: "healthy" });
    expect(names).toEqual(["api.example.com"]);
    expect(peer.text()).toContain("Host: api.example.com:8443\r\n");
  });

  it("takes the worse of certificate and answer", async () => {
    const soon = at(EXPIRY - DAY);
    const settings = { type: "https", ca: authority, minimumValidity: "2d" };
    const good = await startPeer(answering(ok), { tls: true });
    expect(await check(settings, on(good.port), 5000, soon)).toMatchObject({
      outcome: "degraded",
      reason: "the certificate expires on 2120-01-01",
      details: { status: 200 },
    });
    const bad = await startPeer(answering("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), { tls: true });
    expect(await check(settings, on(bad.port), 5000, soon)).toMatchObject({
      outcome: "unhealthy",
      reason: "status 500, expected 200-399",
    });
  });

  it("ends when the signal fires", async () => {
    const peer = await startPeer(silent, { tls: true });
    expect(await check({ type: "https", ca: authority }, on(peer.port), 300)).toMatchObject({
      outcome: "unhealthy",
      reason: "no answer within 300 ms",
    });
    await until("the connection is closed", () => peer.open() === 0);
  });
});

describe("settings", () => {
  it.each<[object, string]>([
    [{ serverName: "127.0.0.1" }, "`serverName` is a name, not an address"],
    [{ ca: "ca.pem" }, "`ca` is not a certificate as PEM; for a file write ${file:PATH}"],
    [{ ca: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" }, "`ca` is not a certificate as PEM"],
    [{ ca: authority, verify: false }, "`ca` has no effect with `verify: false`"],
    [{ minimumValidity: "30d" }, "24d"],
  ])("%j", (settings, message) => {
    for (const type of ["tls", "https"])
      expect(settingsOf({ type, ...settings }).problems.join("\n")).toContain(message);
  });
});
