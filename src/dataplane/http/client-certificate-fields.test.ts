import { describe, expect, it } from "vitest";
import { clientCertificateLines } from "./client-certificate-fields.ts";

const certificate = {
  subject: "CN=alice,O=Example",
  issuer: "CN=Example CA",
  serial: "0a1b",
  fingerprint: "ff00",
  notAfter: "2027-01-01T00:00:00.000Z",
  raw: Buffer.from([1, 2, 3]),
};

describe("clientCertificateLines", () => {
  it("tells subject, issuer, serial number, fingerprint, end, and the certificate itself", () => {
    expect(clientCertificateLines(certificate)).toBe(
      "X-Client-Cert-Subject: CN=alice,O=Example\r\n" +
        "X-Client-Cert-Issuer: CN=Example CA\r\n" +
        "X-Client-Cert-Serial: 0a1b\r\n" +
        "X-Client-Cert-Fingerprint: ff00\r\n" +
        "X-Client-Cert-Not-After: 2027-01-01T00:00:00.000Z\r\n" +
        "Client-Cert: :AQID:\r\n",
    );
  });

  it("lets nothing of a name become another field", () => {
    const lines = clientCertificateLines({ ...certificate, subject: "CN=a\r\nX-Admin: 1\0\u00e9\ud83d\ude00%" });
    expect(lines.split("\r\n")).toHaveLength(7);
    expect(lines).toContain("X-Client-Cert-Subject: CN=a%0D%0AX-Admin: 1%00%C3%A9%F0%9F%98%80%25\r\n");
  });
});
