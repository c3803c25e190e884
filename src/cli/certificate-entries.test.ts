import { expect, it } from "vitest";
import { certificateLines, type CertificateEntry } from "./certificate-entries.ts";

const good: CertificateEntry = {
  id: "acme:good",
  names: ["a.example"],
  keyType: "ECDSA P-256",
  notAfter: "2027-01-30T00:00:00.000Z",
  listeners: ["web"],
  status: "ok",
  reason: null,
  warnings: [],
};
const order = { id: "acme:new", names: ["b.example"], listeners: ["web"], nextAttempt: null, ordering: true };
const lastError = { reason: "the authority cannot be reached" };

it("certificates that have not come stand behind the others, with what went wrong", () => {
  const lines = certificateLines(
    [good],
    [
      { ...order, lastError: null },
      { ...order, id: "acme:failed", lastError, nextAttempt: "2026-11-21T22:29:28.000Z", ordering: false },
    ],
  );
  expect(lines.map(({ id, until, status, why }) => [id, until, status, why])).toEqual([
    ["acme:good", "2027-01-30", "ok", ""],
    ["acme:new", "-", "missing", "being ordered"],
    ["acme:failed", "-", "missing", "the authority cannot be reached; next attempt at 2026-11-21T22:29:28.000Z"],
  ]);
});

it("a renewal that fails shows at the certificate that is still in use", () => {
  const [line] = certificateLines(
    [{ ...good, status: "expiring", reason: "2 days left" }],
    [{ ...order, id: "acme:good", ordering: false, lastError }],
  );
  expect(line).toMatchObject({ status: "expiring", why: "2 days left; the authority cannot be reached" });
});
