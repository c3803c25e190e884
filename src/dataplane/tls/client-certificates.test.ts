import { randomBytes, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { TestAuthority, type Issued } from "../../../test/support/certificates.ts";
import { describeCertificate } from "./client-certificate.ts";
import { materialOf, tlsMaterial, tlsPlane, visit } from "./tls.fixture.ts";

let ca: TestAuthority;
let web: Issued;
let alice: Issued;
let stranger: Issued;
let revoked: Issued;
let crl: string;
beforeAll(async () => {
  ca = await TestAuthority.create();
  web = await ca.issue({ names: ["example.test"] });
  alice = await ca.issue({ subject: "alice, O=Sales\\, North, C=DE", client: true });
  stranger = await (await TestAuthority.create("Another")).issue({ subject: "mallory", client: true });
  revoked = await ca.issue({ subject: "bob", client: true });
  crl = await ca.crl([revoked.serial]);
});

function plane(mode: "require" | "request", ticketKey?: Buffer) {
  const clientAuthorities = { web: { ca: [ca.pem], crl: [crl] } };
  const ticketKeys = { web: ticketKey === undefined ? [] : [ticketKey] };
  const material = tlsMaterial([materialOf(web)], { clientAuthorities, ticketKeys });
  return tlsPlane(material, { tls: { clientCertificates: { mode, ca: ["ca.pem"] } } });
}
const with_ = ({ chain, key }: Issued) => ({ cert: chain, key });

describe.each(["TLSv1.3", "TLSv1.2"] as const)("client certificates, %s", (maxVersion) => {
  it("are required, and have to be good", async () => {
    const { port, handshakes } = await plane("require");
    expect((await visit(port, { maxVersion, ...with_(alice) })).body).toBe("hello");
    await expect(visit(port, { maxVersion })).rejects.toThrow();
    await expect(visit(port, { maxVersion, ...with_(stranger) })).rejects.toThrow();
    await expect(visit(port, { maxVersion, ...with_(revoked) })).rejects.toThrow();
    await expect.poll(() => handshakes()).toMatchObject({ done: 1, failed: 3 });
  });

  it("hold on in a session that goes on", async () => {
    const { port, handshakes } = await plane("require", randomBytes(48));
    const first = await visit(port, { maxVersion, ...with_(alice) });
    const session = first.session() ?? first.socket.getSession();
    const again = await visit(port, { maxVersion, ...with_(alice), session });
    expect([again.body, again.socket.isSessionReused()]).toEqual(["hello", true]);
    expect(handshakes()).toMatchObject({ done: 2, failed: 0, resumed: 1 });
  });

  it("are asked for, and may be missing but not bad", async () => {
    const { port } = await plane("request");
    expect((await visit(port, { maxVersion })).body).toBe("hello");
    expect((await visit(port, { maxVersion, ...with_(alice) })).body).toBe("hello");
    await expect(visit(port, { maxVersion, ...with_(stranger) })).rejects.toThrow();
  });
});

it("are described on one line, as RFC 4514 says", () => {
  const { raw } = new X509Certificate(alice.certificate);
  expect(describeCertificate(raw)).toMatchObject({
    subject: "C=DE,O=Sales\\, North,CN=alice",
    issuer: "O=Evenkeel Tests,CN=Test Root",
    serial: alice.serial,
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    notAfter: new Date(alice.x509.notAfter).toISOString(),
  });
});
