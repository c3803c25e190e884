import { createHash, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { TestAuthority } from "../../../test/support/certificates.ts";
import { waitFor } from "../../../test/support/wait.ts";
import { acmeConfig, DAY, refusal } from "./acme.fixture.ts";
import { follow, startManager, type Setup } from "./acme-manager.fixture.ts";
import type { AcmeStatus } from "./acme-status.ts";
import { planId } from "./certificate-plan.ts";

const ACME_IDENTIFIER = "06082b0601050507011f";
let root: TestAuthority;
beforeAll(async () => void (root = await TestAuthority.create()));

const setUp = (before: Partial<Setup> = {}) => startManager({ root, ...before });

describe("a configuration with ACME", () => {
  it("gets its certificate: control is shown by http-01, and the answers are removed", async () => {
    const { manager, authority, certificates, good } = setUp();
    const seen: (string | undefined)[] = [];
    authority.validate = (type, name, token) => {
      expect(type).toBe("http-01");
      seen.push(name, certificates.challenges.http[token]);
    };
    follow(manager, { web: { domains: ["A.test", "b.test"], challenge: "http-01" } });
    const [entry] = await good();
    expect(seen).toEqual(["a.test", "token-0.thumbprint", "b.test", "token-1.thumbprint"]);
    expect(certificates.challenges).toEqual({ http: {}, alpn: {} });
    expect(entry).toMatchObject({ names: ["a.test", "b.test"], listeners: ["web"], failures: 0 });
    expect(entry!.id).toMatch(/^acme:a\.test~[0-9a-f]{8}$/);
    const { chain } = certificates.kept.get(entry!.id)!;
    expect(new X509Certificate(chain).subjectAltName).toBe("DNS:a.test, DNS:b.test");
    expect(certificates.shown).toEqual({ [entry!.id]: ["web"] });
    expect([...authority.accounts.values()]).toMatchObject([{ email: null, external: null }]);
  });

  it("shows control by tls-alpn-01 with a certificate that has the digest (RFC 8737)", async () => {
    const { manager, authority, certificates, good } = setUp();
    let shown = "";
    authority.validate = (_type, name) => void (shown = certificates.challenges.alpn[name]!.chain);
    follow(manager, { web: { domains: "a.test" } });
    await good();
    const certificate = new X509Certificate(shown);
    expect(certificate.subjectAltName).toBe("DNS:a.test");
    const raw = certificate.raw.toString("hex");
    const digest = createHash("sha256").update("token-0.thumbprint").digest("hex");
    // Critical, and an OCTET STRING of 32 bytes.
    expect(raw).toContain(`${ACME_IDENTIFIER}0101ff04220420${digest}`);
  });

  it("calls the hook for dns-01 and cleans up, also when control could not be shown", async () => {
    const { manager, authority, calls, good, lines } = setUp();
    follow(manager, {
      web: { domains: ["a.test", "*.a.test"], challenge: "dns-01", dnsHook: ["/bin/hook", "--zone"] },
    });
    await good();
    expect(calls.map((call) => call.split(" ").slice(0, 4).join(" "))).toEqual([
      "/bin/hook --zone present _acme-challenge.a.test",
      "/bin/hook --zone present _acme-challenge.a.test",
      "/bin/hook --zone cleanup _acme-challenge.a.test",
      "/bin/hook --zone cleanup _acme-challenge.a.test",
    ]);
    expect(calls[0]!.split(" ")[4]).toMatch(/^[\w-]{43}$/);
    expect(calls[2]!.split(" ")[4]).toBe(calls[0]!.split(" ")[4]);
    calls.length = 0;
    authority.validate = () => {
      throw new Error("nothing there");
    };
    follow(manager, { web: { domains: "b.test", challenge: "dns-01", dnsHook: "/bin/hook" } });
    await waitFor("the failure", () => lines.some((line) => line.includes("b.test: unauthorized: nothing there")));
    expect(calls.map((call) => call.split(" ")[1])).toEqual(["present", "cleanup"]);
  });

  it("says what the hook said when it fails, and cleans up what it had begun", async () => {
    const { manager, hook, calls, lines, authority } = setUp();
    hook.mockImplementation(async (_program, action, name) => {
      calls.push(`${action} ${name}`);
      if (name.endsWith("b.test")) throw new Error("dnsHook: exit code 3: no such zone");
    });
    follow(manager, { web: { domains: ["a.test", "b.test"], challenge: "dns-01", dnsHook: "/bin/hook" } });
    await waitFor("the failure", () => lines.some((line) => line.includes("exit code 3: no such zone; next attempt")));
    expect(calls).toEqual([
      "present _acme-challenge.a.test",
      "present _acme-challenge.b.test",
      "cleanup _acme-challenge.a.test",
      "cleanup _acme-challenge.b.test",
    ]);
    expect(authority.orders).toHaveLength(1);
  });

  it("shares a certificate between listeners that want the same, and has a few orders at a time for others", async () => {
    const { manager, authority, certificates, good } = setUp();
    const others = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`n${i}`, { domains: `n${i}.test` }]));
    follow(manager, { one: { domains: ["a.test", "b.test"] }, two: { domains: ["B.test", "a.test"] }, ...others });
    await good(9);
    expect(authority.orders).toHaveLength(9);
    expect(authority.mostRunning).toBeLessThanOrEqual(4);
    expect(Object.values(certificates.shown)).toContainEqual(["one", "two"]);
  });

  it("is undisturbed by a reload, and loses what it no longer wants", async () => {
    const { manager, authority, certificates, good } = setUp();
    follow(manager, { web: { domains: "a.test" }, other: { domains: "b.test" } });
    await good(2);
    follow(manager, { web: { domains: "a.test", renewBefore: "20d" } });
    const [entry] = await good(1);
    expect(certificates.shown).toEqual({ [entry!.id]: ["web"] });
    expect(authority.orders).toHaveLength(2);
    expect(certificates.kept.size).toBe(2);
    follow(manager, { web: { domains: "a.test" }, other: { domains: "b.test" } });
    await good(2);
    expect(authority.orders).toHaveLength(2);
  });

  it("goes on with the old certificate until there is one for other names", async () => {
    const { manager, authority, certificates, good } = setUp();
    follow(manager, { web: { domains: "a.test" } });
    const [old] = await good();
    const held = Promise.withResolvers<void>();
    authority.before = (step) => (step === "finalize" ? held.promise : undefined);
    follow(manager, { web: { domains: ["a.test", "b.test"] } });
    const [next] = manager.status();
    expect(certificates.shown).toEqual({ [next!.id]: ["web"], [old!.id]: ["web"] });
    held.resolve();
    await good();
    expect(certificates.shown).toEqual({ [next!.id]: ["web"] });
  });

  it("keeps the account over restarts, and makes it again when the authority has forgotten it", async () => {
    const first = setUp();
    follow(first.manager, { web: { domains: "a.test", email: "me@a.test" } });
    await first.good();
    const [url] = first.authority.accounts.keys();
    await first.manager.close();
    const second = setUp({ accounts: first.accounts });
    second.authority.accounts.set(url!, [...first.authority.accounts.values()][0]!);
    follow(second.manager, { web: { domains: "b.test", email: "me@a.test" } });
    await second.good();
    expect([...second.authority.accounts.keys()]).toEqual([url]);
    await second.manager.close();
    const third = setUp({ accounts: first.accounts });
    third.authority.accounts.set("https://ca.test/account/other", { key: "", url: null, email: null, external: null });
    follow(third.manager, { web: { domains: "c.test", email: "me@a.test" } });
    await third.good();
    const [, again] = [...third.authority.accounts.values()];
    expect(again!.key).toBe(first.authority.accounts.get(url!)!.key);
  });

  it("has what is kept shown before a configuration is in use", async () => {
    const first = setUp();
    follow(first.manager, { web: { domains: "a.test" }, other: { domains: "b.test" } });
    const [{ id }] = (await first.good(2)) as [AcmeStatus, AcmeStatus];
    await first.manager.close();
    const { manager, certificates, authority } = setUp({ certificates: first.certificates, accounts: first.accounts });
    certificates.shown = {};
    await manager.prepare(acmeConfig({ web: { domains: "a.test" } }), "/etc/evenkeel");
    expect(certificates.shown).toEqual({ [id]: ["web"] });
    expect(manager.status()).toEqual([]);
    await manager.prepare(acmeConfig({ next: { domains: "a.test" }, other: { domains: "c.test" } }), "/etc/evenkeel");
    expect(certificates.shown).toEqual({ [id]: ["web", "next"] });
    follow(manager, { next: { domains: "a.test" } });
    expect(certificates.shown).toEqual({ [id]: ["next"] });
    expect(authority.orders).toEqual([]);
  });

  it.each([false, true])(
    "tells the authority what is replaced, and does without when it does not like that: %s (RFC 9773 5)",
    async (refused) => {
      const { manager, authority, certificates, good } = setUp();
      const settings = { domains: "a.test" };
      const config = acmeConfig({ web: settings });
      const old = await root.issue({
        names: ["a.test"],
        notBefore: new Date(Date.now() - 89 * DAY),
        notAfter: new Date(Date.now() + DAY),
      });
      certificates.kept.set(planId(["a.test"], config.listeners["web"]!.tls!.acme!), old);
      const asked: string[] = [];
      authority.before = (step, detail) => {
        if (step !== "newOrder") return;
        asked.push(detail);
        if (refused && detail !== "") throw refusal("refused", "alreadyReplaced");
      };
      manager.follow(config, "/etc/evenkeel");
      await waitFor("the renewal", () => authority.orders.length === 1 && authority.running === 0);
      await good();
      const [id] = authority.renewals;
      expect(id).toMatch(/^[\w-]{27}\.[\w-]+$/);
      expect(asked).toEqual(refused ? [id, ""] : [id]);
    },
  );

  it.each<[string, (setup: ReturnType<typeof setUp>) => void, RegExp]>([
    [
      "a certificate that the store does not take",
      ({ certificates }) => (certificates.refuse = "the disk is full"),
      /full/,
    ],
    [
      "an authority without the challenge",
      ({ authority }) =>
        (authority.validate = () => {
          throw new Error();
        }),
      /unauthorized/,
    ],
    [
      "a certificate that has ended",
      ({ authority }) => (authority.lifetime = -1000),
      /the authority's certificate has ended already/,
    ],
  ])("tries again after %s, and shows why", async (_, prepare, reason) => {
    const setup = setUp();
    prepare(setup);
    follow(setup.manager, { web: { domains: "a.test" } });
    await waitFor("the failure", () => setup.manager.status()[0]!.failures === 1);
    const [status] = setup.manager.status();
    expect(status!.lastError!.reason).toMatch(reason);
    expect(status!.nextAttempt).toBeGreaterThan(Date.now() + 60_000);
    expect(setup.lines.at(-1)).toMatch(/^warn acme a\.test: .*; next attempt at .*; there is no certificate yet$/);
  });

  it("ends: an order that is under way is given up, and its answers are removed", async () => {
    const { manager, authority, certificates } = setUp();
    const responded = Promise.withResolvers<void>();
    authority.before = (step) => {
      if (step === "respond") responded.resolve();
    };
    follow(manager, { web: { domains: "a.test", challenge: "http-01" } });
    await responded.promise;
    await manager.close();
    expect(certificates.challenges).toEqual({ http: {}, alpn: {} });
    expect(manager.status()).toEqual([]);
  });
});
