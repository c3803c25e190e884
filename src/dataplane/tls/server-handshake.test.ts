import { randomBytes } from "node:crypto";
import net from "node:net";
import tls from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { TestAuthority, type Issued } from "../../../test/support/certificates.ts";
import { materialOf, tlsMaterial, tlsPlane, visit } from "./tls.fixture.ts";

let ca: TestAuthority;
let web: Issued;
let other: Issued;
beforeAll(async () => {
  ca = await TestAuthority.create();
  web = await ca.issue({ names: ["example.test"], subject: "web" });
  other = await ca.issue({ names: ["other.test", "*.other.test"], subject: "other" });
});

describe("which handshakes are refused", () => {
  it("unknown names, with strictSni", async () => {
    const { port } = await tlsPlane(tlsMaterial([materialOf(web)]), { tls: { strictSni: true } });
    await expect(visit(port, { servername: "unknown.test" })).rejects.toThrow(/unrecognized name/);
    await expect(visit(port)).rejects.toThrow(/unrecognized name/);
    expect((await visit(port, { servername: "example.test" })).subject).toBe("web");
  });

  it("all of them without a certificate, which is said once", async () => {
    const { port, logs, handshakes } = await tlsPlane(tlsMaterial([]));
    await expect(visit(port, { servername: "example.test" })).rejects.toThrow(/unrecognized name/);
    await expect(visit(port, { servername: "example.test" })).rejects.toThrow(/unrecognized name/);
    expect(logs.filter((line) => line.includes("there is no certificate"))).toHaveLength(1);
    expect(handshakes()).toMatchObject({ done: 0, failed: 2 });
  });

  it("those whose protocols are none of ours (RFC 7301 3.2)", async () => {
    const { port } = await tlsPlane(tlsMaterial([materialOf(web)]));
    await expect(visit(port, { ALPNProtocols: ["spdy/1"] })).rejects.toThrow(/no application protocol/);
  });

  it("what is not TLS, with an alert, and what is cut into bytes is read all the same", async () => {
    const { port } = await tlsPlane(tlsMaterial([materialOf(web)]));
    const socket = net.connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    const got: Buffer[] = [];
    socket.on("data", (data: Buffer) => void got.push(data));
    socket.write("SSH-2.0-OpenSSH\r\n");
    await new Promise((resolve) => socket.once("close", resolve));
    expect(Buffer.concat(got).toString("hex")).toBe("1503030002020a");
  });

  it("those that take too long", async () => {
    const { port, handshakes } = await tlsPlane(tlsMaterial([materialOf(web)]), { tls: { handshakeTimeout: "100ms" } });
    const socket = net.connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write(Buffer.of(22, 3, 1, 2, 0, 1));
    await new Promise((resolve) => socket.once("close", resolve));
    await expect.poll(() => handshakes()).toMatchObject({ done: 0, failed: 1 });
  });
});

describe("why a handshake has failed is a line of the log", () => {
  const line = "debug listener web: TLS handshake with 127.0.0.1 failed: ";
  const said = async (logs: readonly string[]) => {
    await expect.poll(() => logs.filter((text) => text.startsWith(line))).toHaveLength(1);
    return logs.find((text) => text.startsWith(line))!.slice(line.length);
  };

  it.each<[string, object, tls.ConnectionOptions, RegExp]>([
    ["a name", { strictSni: true }, { servername: "unknown.test" }, /^no certificate for unknown\.test$/],
    ["no name", { strictSni: true }, {}, /^no certificate for clients that ask for no name$/],
    ["versions", { minVersion: "TLSv1.3" }, { maxVersion: "TLSv1.2" }, /unsupported protocol/],
    ["protocols", {}, { ALPNProtocols: ["spdy/1"] }, /no application protocol/],
    ["ciphers", {}, { maxVersion: "TLSv1.2", ciphers: "AES128-SHA" }, /no shared cipher/],
  ])("%s", async (_what, settings, client, reason) => {
    const { port, logs } = await tlsPlane(tlsMaterial([materialOf(web)]), { tls: settings });
    await expect(visit(port, client)).rejects.toThrow();
    expect(await said(logs)).toMatch(reason);
  });

  it("a client certificate that is missing", async () => {
    const authorities = { web: { ca: [ca.pem], crl: [] } };
    const material = tlsMaterial([materialOf(web)], { clientAuthorities: authorities });
    const { port, logs } = await tlsPlane(material, { tls: { clientCertificates: { ca: ["x"] } } });
    await expect(visit(port, { maxVersion: "TLSv1.2" })).rejects.toThrow();
    expect(await said(logs)).toMatch(/peer did not return a certificate|client certificate: there is none/);
  });

  it("time, and at most one line a second", async () => {
    const { port, logs, handshakes } = await tlsPlane(tlsMaterial([materialOf(web)]), {
      tls: { handshakeTimeout: "50ms" },
    });
    for (let i = 0; i < 3; i++) {
      const socket = net.connect(port, "127.0.0.1");
      onTestFinished(() => void socket.destroy());
      await new Promise((resolve) => socket.resume().once("close", resolve));
    }
    await expect.poll(() => handshakes()).toMatchObject({ failed: 3 });
    expect(await said(logs)).toBe("it took longer than `handshakeTimeout`");
  });
});

describe("challenges of an ACME authority (RFC 8737)", () => {
  it("are answered to clients that offer only acme-tls/1", async () => {
    const challenge = await ca.issue({ names: ["new.test"], subject: "challenge" });
    const material = tlsMaterial([materialOf(web)], {
      alpnChallenges: { "new.test": { chain: challenge.chain, key: challenge.key } },
    });
    const { port, handshakes } = await tlsPlane(material);
    const socket = tls.connect({
      port,
      host: "127.0.0.1",
      servername: "new.test",
      ALPNProtocols: ["acme-tls/1"],
      ca: ca.pem,
    });
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    expect([socket.alpnProtocol, socket.getPeerCertificate().subject.CN]).toEqual(["acme-tls/1", "challenge"]);
    socket.resume();
    await new Promise((resolve) => socket.once("end", resolve));
    expect(handshakes()).toMatchObject({ done: 0, failed: 0 });
    await expect(visit(port, { servername: "example.test", ALPNProtocols: ["acme-tls/1"] })).rejects.toThrow(
      /no application/,
    );
    await expect(visit(port, { servername: "constructor", ALPNProtocols: ["acme-tls/1"] })).rejects.toThrow(
      /no application/,
    );
    expect((await visit(port, { servername: "new.test" })).subject).toBe("web");
  });
});

describe("certificates on demand", () => {
  it("are asked for once per name, and handshakes wait for them", async () => {
    const onDemand = { web: ["*.other.test"] };
    const { plane, port, wanted } = await tlsPlane(tlsMaterial([materialOf(web)], { onDemand }));
    const visits = [visit(port, { servername: "a.other.test" }), visit(port, { servername: "a.other.test" })];
    await expect.poll(() => wanted).toEqual(["web a.other.test"]);
    plane.setTlsMaterial(tlsMaterial([materialOf(web), materialOf(other, { listeners: null })], { onDemand }));
    for (const { subject } of await Promise.all(visits)) expect(subject).toBe("other");
    expect((await visit(port, { servername: "unknown.test" })).subject).toBe("web");
    expect(wanted).toEqual(["web a.other.test"]);
  });

  it("give way to the usual rule when they do not come in time", async () => {
    const material = tlsMaterial([materialOf(web)], { onDemand: { web: ["a.other.test"] } });
    const { port } = await tlsPlane(material, { tls: { handshakeTimeout: "500ms" } });
    expect((await visit(port, { servername: "a.other.test" })).subject).toBe("web");
  });
});

describe("changes while it runs", () => {
  it("hold for new handshakes only", async () => {
    const { plane, port } = await tlsPlane(tlsMaterial([materialOf(web)]));
    const before = await visit(port);
    plane.setTlsMaterial(tlsMaterial([materialOf(other)]));
    expect((await visit(port)).subject).toBe("other");
    let answer = "";
    before.socket.on("data", (data: Buffer) => (answer += String(data)));
    before.socket.write("GET / HTTP/1.1\r\nHost: example.test\r\n\r\n");
    await expect.poll(() => answer).toContain("hello");
  });

  it("turn TLS on and off", async () => {
    const plane = await tlsPlane(tlsMaterial([materialOf(web)]));
    const { port } = plane;
    await plane.apply({ tls: undefined });
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(await response.text()).toBe("hello");
    await plane.apply({});
    expect((await visit(port)).body).toBe("hello");
  });
});

describe("OCSP stapling", () => {
  it("shows the certificate's response to those who ask", async () => {
    const response = randomBytes(300);
    const { port, apply } = await tlsPlane(tlsMaterial([materialOf(web, { ocsp: response }), materialOf(other)]));
    const stapled = (servername: string) =>
      new Promise<Buffer | null>((resolve, reject) => {
        const socket = tls.connect({
          port,
          host: "127.0.0.1",
          servername,
          requestOCSP: true,
          rejectUnauthorized: false,
        });
        onTestFinished(() => void socket.destroy());
        socket.on("OCSPResponse", resolve).on("error", reject);
        socket.on("secureConnect", () => setImmediate(resolve, null));
      });
    expect(await stapled("example.test")).toEqual(response);
    expect(await stapled("other.test")).toBe(null);
    await apply({ tls: { ocspStapling: false } });
    expect(await stapled("example.test")).toBe(null);
  });
});
