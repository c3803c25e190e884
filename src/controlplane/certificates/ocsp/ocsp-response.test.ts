import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { DAY, TestAuthority, type Issued } from "../../../../test/support/certificates.ts";
import { missing } from "../../../../test/support/tools.ts";
import { certificateIds, ocspRequest } from "./cert-id.ts";
import { checkResponse } from "./ocsp-response.ts";
import { TestResponder, type Answer } from "./responder.fixture.ts";

let root: TestAuthority;
let responder: TestResponder;
let issued: Issued;
let leaf: X509Certificate;
let issuer: X509Certificate;
let request: Buffer;
beforeAll(async () => {
  root = await TestAuthority.create();
  responder = await TestResponder.of(root);
  issued = await root.issue({ names: ["a.test"] });
  leaf = new X509Certificate(issued.certificate);
  issuer = new X509Certificate(root.pem);
  request = ocspRequest(certificateIds(leaf, issuer));
});

const check = (answer?: Answer, now = Date.now()) =>
  checkResponse(responder.answer(request, issued, answer), leaf, issuer, now);

describe.skipIf(missing("openssl", "OCSP responses"))("an OCSP response", () => {
  it("of the issuer is good until its next update", () => {
    const good = check();
    expect(good.until - good.thisUpdate).toBe(3_600_000);
    expect(Math.abs(good.thisUpdate - Date.now())).toBeLessThan(60_000);
    expect(good.der.equals(responder.answer(request, issued))).toBe(false);
  });

  it("without a next update is good for a day", () => {
    const good = check({ minutes: 0 });
    expect(good.until - good.thisUpdate).toBe(DAY);
  });

  it("of a responder that the issuer has named is good; of another one it is not", async () => {
    expect(check({ signer: responder.delegate() }).until).toBeGreaterThan(Date.now());
    const reason = "signed neither by the issuer nor by a responder of the issuer";
    expect(() => check({ signer: responder.delegate(false) })).toThrow(reason);
    const stranger = await TestResponder.of(await TestAuthority.create());
    expect(() => check({ signer: stranger.delegate() })).toThrow(reason);
    expect(() => check({ signer: { certificate: stranger.authority.pem, key: issued.key } })).toThrow();
    // The responder's certificate has run out.
    const late = responder.answer(request, issued, { signer: responder.delegate(), minutes: 60 * 24 * 30 });
    expect(() => checkResponse(late, leaf, issuer, Date.now() + 11 * DAY)).toThrow(reason);
  });

  it("that speaks against the certificate is not shown", () => {
    expect(() => check({ status: "revoked" })).toThrow("the certificate is revoked");
    expect(() => check({ status: "unknown" })).toThrow("the responder does not know the certificate");
  });

  it("is shown in its time only", () => {
    expect(() => check({}, Date.now() + 3_700_000)).toThrow("it expired at");
    expect(() => check({}, Date.now() - 400_000)).toThrow("it is not valid before");
    // Clocks differ a little.
    expect(check({}, Date.now() - 200_000)).toBeDefined();
  });

  it("about another certificate is not shown", async () => {
    const other = await root.issue({ names: ["a.test"] });
    const response = responder.answer(request, issued);
    expect(() => checkResponse(response, new X509Certificate(other.certificate), issuer, Date.now())).toThrow(
      "it is about another certificate",
    );
  });

  it("that was changed anywhere is refused", () => {
    const response = responder.answer(request, issued);
    for (let at = 0; at < response.length; at++) {
      const changed = Buffer.from(response);
      changed[at]! ^= 1;
      try {
        checkResponse(changed, leaf, issuer, Date.now());
      } catch {
        continue;
      }
      throw new Error(`byte ${at} may be changed`);
    }
    for (let length = 0; length < response.length; length++) {
      expect(() => checkResponse(response.subarray(0, length), leaf, issuer, Date.now())).toThrow();
    }
  });

  it("that is an error says which", () => {
    const tryLater = Buffer.from([0x30, 3, 0x0a, 1, 3]);
    expect(() => checkResponse(Buffer.from([0x30, 3, 0x0a, 1, 6]), leaf, issuer, 0)).toThrow("unauthorized");
    expect(() => checkResponse(tryLater, leaf, issuer, 0)).toThrow("status 3");
    expect(() => checkResponse(Buffer.from("<html>"), leaf, issuer, 0)).toThrow("DER");
  });
});
