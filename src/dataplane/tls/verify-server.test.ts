import { expect, it } from "vitest";
import { verifyServer } from "./verify-server.ts";

const openssl = (message: string, code: string) => Object.assign(new Error(message), { code });

it("an authority that is not trusted is a matter of `ca`, not of how Node.js was started", () => {
  const advice = "; if the root CA is installed locally, try running Node.js with --use-system-ca";
  const error = openssl(`unable to verify the first certificate${advice}`, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect(verifyServer(error, undefined, "a.test")?.message).toBe(
    "the server's certificate is not good: unable to verify the first certificate: " +
      "its authority is not one of `upstream.tls.ca` (the public ones where there are none)",
  );
});

it("dates have nothing to do with `ca`", () => {
  const error = openssl("certificate has expired", "CERT_HAS_EXPIRED");
  expect(verifyServer(error, undefined, "a.test")).toMatchObject({
    code: "CERT_HAS_EXPIRED",
    message: "the server's certificate is not good: certificate has expired",
  });
});
