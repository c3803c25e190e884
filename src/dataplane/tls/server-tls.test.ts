import { beforeAll, describe, expect, it } from "vitest";
import { TestAuthority, type Issued } from "../../../test/support/certificates.ts";
import { materialOf, tlsMaterial, tlsPlane, visit } from "./tls.fixture.ts";

let ca: TestAuthority;
let web: Issued;
let rsa: Issued;
let other: Issued;
beforeAll(async () => {
  ca = await (await TestAuthority.create()).intermediate();
  web = await ca.issue({ names: ["example.test", "*.example.test"], subject: "web-ecdsa" });
  rsa = await ca.issue({ names: ["example.test", "*.example.test"], subject: "web-rsa", keyType: "rsa" });
  other = await ca.issue({ names: ["other.test"], subject: "other" });
});

describe("a listener with TLS", () => {
  it("serves HTTP/1.1 over TLS 1.3 and 1.2", async () => {
    const { port, handshakes } = await tlsPlane(tlsMaterial([materialOf(web)]));
    const secure = { servername: "example.test", ca: ca.root.pem, rejectUnauthorized: true };
    const modern = await visit(port, { ...secure, ALPNProtocols: ["spdy/1", "http/1.1"] });
    expect([modern.body, modern.socket.getProtocol(), modern.socket.alpnProtocol]).toEqual([
      "hello",
      "TLSv1.3",
      "http/1.1",
    ]);
    const older = await visit(port, { ...secure, maxVersion: "TLSv1.2" });
    expect([older.body, older.socket.getProtocol(), older.socket.alpnProtocol]).toEqual(["hello", "TLSv1.2", false]);
    expect(handshakes()).toMatchObject({ done: 2, failed: 0, resumed: 0 });
  });

  it("speaks nothing older than TLS 1.2", async () => {
    const { port, handshakes } = await tlsPlane(tlsMaterial([materialOf(web)]));
    await expect(
      visit(port, { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "ALL@SECLEVEL=0" }),
    ).rejects.toThrow(/alert|version/i);
    await expect.poll(() => handshakes()).toMatchObject({ done: 0, failed: 1 });
  });

  it("chooses the certificate by name: exact, one label by a wildcard, else the first", async () => {
    const { port } = await tlsPlane(tlsMaterial([materialOf(web), materialOf(other)]));
    const subject = async (servername: string) => (await visit(port, { servername })).subject;
    expect(await subject("other.test")).toBe("other");
    expect(await subject("example.test")).toBe("web-ecdsa");
    expect(await subject("a.example.test")).toBe("web-ecdsa");
    expect(await subject("unknown.test")).toBe("web-ecdsa");
    expect(await subject("")).toBe("web-ecdsa");
  });

  it("chooses between ECDSA and RSA by what the client can verify", async () => {
    const { port } = await tlsPlane(tlsMaterial([materialOf(rsa), materialOf(web)]));
    const subject = async (options: object) => (await visit(port, { servername: "example.test", ...options })).subject;
    expect(await subject({})).toBe("web-ecdsa");
    expect(await subject({ sigalgs: "rsa_pss_rsae_sha256" })).toBe("web-rsa");
    expect(await subject({ maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" })).toBe("web-rsa");
    expect(await subject({ maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" })).toBe("web-ecdsa");
  });
});
