import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { TestAuthority } from "../../../test/support/certificates.ts";
import { acmeSettings, DAY, refusal } from "./acme.fixture.ts";
import type { RenewalInfo } from "./authority.ts";
import type { CertificatePlan } from "./certificate-plan.ts";
import { ManagedCertificate, type ManagedDeps } from "./managed-certificate.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const start = Date.parse("2026-11-21T12:00:00Z");
const ends: ManagedCertificate[] = [];

/** Good for 90 days from the start, from day 60 on, and for 90 days from there. */
let first: string;
let second: string;

beforeAll(async () => {
  const authority = await TestAuthority.create();
  const issue = async (from: number) =>
    (await authority.issue({ names: ["a.test"], notBefore: new Date(from), notAfter: new Date(from + 90 * DAY) }))
      .chain;
  first = await issue(start);
  second = await issue(start + 60 * DAY);
});

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(start);
});
afterEach(async () => {
  const closed = Promise.all(ends.splice(0).map((certificate) => certificate.close()));
  await vi.advanceTimersByTimeAsync(2000);
  await closed;
  vi.useRealTimers();
});

const plan = (settings: object = {}, onDemand = false): CertificatePlan => ({
  id: "acme:a.test",
  names: ["a.test"],
  listeners: ["web"],
  settings: acmeSettings({ domains: "a.test", ...settings }),
  onDemand,
});

/** A certificate whose orders come out as they are scripted; when there is nothing left, the last one again. */
function managed(outcomes: (string | Error)[], chain: string | null = null, own = plan()) {
  const attempts: number[] = [];
  const replaced: (string | null)[] = [];
  const lines: string[] = [];
  const givenUp: { delay: number }[] = [];
  const info: { value: RenewalInfo | null | Error; asked: number[] } = { value: null, asked: [] };
  let running = 0;
  const deps: ManagedDeps = {
    clock: { now: () => Date.now() - start, wall: () => Date.now() },
    random: () => 0,
    log: (level, message) => void lines.push(`${level} ${message}`),
    order: async (_plan, replaces) => {
      expect(++running).toBe(1);
      attempts.push(Date.now() - start);
      replaced.push(replaces);
      const outcome = outcomes.length > 1 ? outcomes.shift()! : outcomes[0]!;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      running--;
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
    renewalInfo: async () => {
      info.asked.push(Date.now() - start);
      if (info.value instanceof Error) throw info.value;
      return info.value;
    },
    renewed: () => undefined,
    givenUp: (_plan, _refusal, delay) => void givenUp.push({ delay }),
  };
  const certificate = new ManagedCertificate(own, chain, deps);
  ends.push(certificate);
  return { certificate, attempts, replaced, lines, givenUp, info };
}

it("is ordered at once when there is none, and renewed 30 days before its end, by the certificate that it follows", async () => {
  const { certificate, attempts, replaced, lines } = managed([first, second]);
  expect(certificate.status()).toMatchObject({ state: "missing", renewal: null, notAfter: null });
  await vi.advanceTimersByTimeAsync(2000);
  expect(certificate.usable).toBe(true);
  expect(lines).toEqual([
    "info acme a.test: new certificate, good until 2027-02-19T12:00:00Z, renewal at 2027-01-20T12:00:00Z",
  ]);
  expect(certificate.status()).toMatchObject({
    state: "valid",
    notAfter: start + 90 * DAY,
    renewal: { at: start + 60 * DAY, by: "lifetime" },
    nextAttempt: start + 60 * DAY,
  });
  await vi.advanceTimersByTimeAsync(60 * DAY - 10_000);
  expect(attempts).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(attempts).toEqual([0, 60 * DAY]);
  expect(replaced).toEqual([null, first]);
  expect(certificate.status()).toMatchObject({ notAfter: start + 150 * DAY, failures: 0 });
});

it("that was kept is not ordered again", async () => {
  const { attempts } = managed([second], first);
  await vi.advanceTimersByTimeAsync(59 * DAY);
  expect(attempts).toEqual([]);
});

it("that was kept and cannot be read is ordered", async () => {
  const { attempts, lines, certificate } = managed([first], "rubbish");
  await vi.advanceTimersByTimeAsync(2000);
  expect(attempts).toEqual([0]);
  expect(lines[0]).toContain("error acme a.test: the certificate that was kept cannot be read");
  expect(certificate.usable).toBe(true);
});

it("is tried again with growing waits, for as long as it takes", async () => {
  const { certificate, attempts, lines } = managed([refusal("refused", "unauthorized")]);
  await vi.advanceTimersByTimeAsync(8 * HOUR);
  const waits = attempts.slice(1).map((at, index) => Math.round((at - attempts[index]!) / MINUTE));
  expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]);
  expect(certificate.status()).toMatchObject({ state: "missing", failures: 12, ordering: false });
  expect(certificate.status().lastError!.reason).toBe("ca.test: unauthorized");
  expect(lines[0]).toBe(
    "warn acme a.test: ca.test: unauthorized; next attempt at 2026-11-21T12:02:01Z; there is no certificate yet",
  );
});

it("waits as long as the authority says", async () => {
  const { certificate, attempts } = managed([refusal("limited", "rateLimited", 3 * HOUR), first]);
  await vi.advanceTimersByTimeAsync(3 * HOUR);
  expect(attempts).toHaveLength(1);
  expect(certificate.status().nextAttempt).toBe(start + 3 * HOUR + 1000);
  await vi.advanceTimersByTimeAsync(5000);
  expect(attempts).toHaveLength(2);
  expect(certificate.usable).toBe(true);
});

it("stays in use while its renewal fails, which is an error when the end is near, and goes on after the end", async () => {
  const { certificate, attempts, lines } = managed([refusal("unreachable", null)], first);
  await vi.advanceTimersByTimeAsync(60 * DAY + MINUTE);
  expect(certificate.usable).toBe(true);
  expect(lines.at(-1)).toMatch(/^warn acme a\.test: .*; the certificate is good until 2027-02-19T12:00:00Z$/);
  await vi.advanceTimersByTimeAsync(22 * DAY);
  expect(lines.at(-1)).toMatch(/^error acme a\.test: /);
  await vi.advanceTimersByTimeAsync(9 * DAY);
  expect(certificate.status().state).toBe("expired");
  expect(lines.at(-1)).toMatch(/^error acme a\.test: .*; the certificate has ended at 2027-02-19T12:00:00Z$/);
  const before = attempts.length;
  await vi.advanceTimersByTimeAsync(2 * HOUR);
  expect(attempts.length - before).toBeGreaterThanOrEqual(3);
});

it("is renewed in the window that the authority suggests, which is looked at again when it says", async () => {
  const own = managed([second], first);
  const { certificate, attempts, info, lines } = own;
  info.value = { start: start + 40 * DAY, end: start + 41 * DAY, explanation: "https://ca.test/why", retryAfter: HOUR };
  await vi.advanceTimersByTimeAsync(1000);
  expect(info.asked).toEqual([0]);
  expect(certificate.status().renewal).toEqual({
    at: start + 40 * DAY,
    by: "authority",
    explanation: "https://ca.test/why",
  });
  expect(lines).toEqual([
    "info acme a.test: the authority suggests renewal at 2026-12-31T12:00:00Z (https://ca.test/why)",
  ]);
  await vi.advanceTimersByTimeAsync(HOUR);
  expect(info.asked).toHaveLength(2);
  // It is to be revoked: now.
  info.value = { start: start - 2 * DAY, end: start - DAY, explanation: null, retryAfter: HOUR };
  await vi.advanceTimersByTimeAsync(HOUR + 2000);
  expect(attempts).toHaveLength(1);
  // If it says the same of the new one, that has some time all the same.
  await vi.advanceTimersByTimeAsync(5 * HOUR);
  expect(attempts).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2 * HOUR);
  expect(attempts).toHaveLength(2);
});

it("goes by its lifetime while there is no renewal information, and keeps to the last window when it fails", async () => {
  const { certificate, info, lines } = managed([second], first);
  info.value = refusal("unreachable", null);
  await vi.advanceTimersByTimeAsync(1000);
  expect(certificate.status().renewal).toMatchObject({ at: start + 60 * DAY, by: "lifetime" });
  expect(lines).toEqual(["warn acme a.test: no renewal information: ca.test: no answer"]);
  info.value = { start: start + 40 * DAY, end: start + 41 * DAY, explanation: null, retryAfter: null };
  await vi.advanceTimersByTimeAsync(2 * MINUTE);
  info.value = refusal("unreachable", null);
  await vi.advanceTimersByTimeAsync(DAY);
  expect(certificate.status().renewal).toMatchObject({ at: start + 40 * DAY, by: "authority" });
});

it("is tried at once with other settings", async () => {
  const { certificate, attempts } = managed([refusal("refused", "externalAccountRequired"), first]);
  await vi.advanceTimersByTimeAsync(2000);
  certificate.update(plan());
  await vi.advanceTimersByTimeAsync(2000);
  expect(attempts).toEqual([0]);
  certificate.update(plan({ email: "me@a.test" }));
  await vi.advanceTimersByTimeAsync(2000);
  expect(attempts).toHaveLength(2);
  expect(certificate.usable).toBe(true);
});

it("on demand is given up when its first order fails, but not when a renewal does", async () => {
  const never = managed([refusal("refused", "unauthorized")], null, plan({}, true));
  await vi.advanceTimersByTimeAsync(1000);
  expect(never.givenUp).toEqual([{ delay: 2 * MINUTE }]);
  const renewed = managed([refusal("refused", "unauthorized"), second], first, plan({}, true));
  await vi.advanceTimersByTimeAsync(60 * DAY + HOUR);
  expect(renewed.givenUp).toEqual([]);
  expect(renewed.attempts).toHaveLength(2);
});

it("is left alone once it is closed", async () => {
  const { certificate, attempts, lines } = managed([refusal("refused", "unauthorized")]);
  await vi.advanceTimersByTimeAsync(500);
  const closed = certificate.close();
  await vi.advanceTimersByTimeAsync(600);
  await closed;
  await vi.advanceTimersByTimeAsync(DAY);
  expect(attempts).toEqual([0]);
  expect(lines).toEqual([]);
});
