import { beforeAll, describe, expect, it } from "vitest";
import { TestAuthority } from "../../../test/support/certificates.ts";
import { waitFor } from "../../../test/support/wait.ts";
import { refusal } from "./acme.fixture.ts";
import { follow, startManager, type Setup } from "./acme-manager.fixture.ts";

let root: TestAuthority;
beforeAll(async () => void (root = await TestAuthority.create()));

const setUp = (before: Partial<Setup> = {}) => startManager({ root, ...before });

describe("certificates on demand", () => {
  const onDemand = { web: { onDemand: ["*.shops.test"], onDemandLimit: 2 } };

  it("are ordered once for a name of the list, however often it is asked for", async () => {
    const { manager, authority, good, certificates } = setUp();
    follow(manager, onDemand);
    for (let i = 0; i < 5; i++) manager.wanted("web", "A.shops.test");
    for (const name of ["x.test", "shops.test", "", "*.shops.test", "../x", "127.0.0.1"]) manager.wanted("web", name);
    manager.wanted("other", "b.shops.test");
    const [entry] = await good();
    expect(entry).toMatchObject({ names: ["a.shops.test"], onDemand: true, listeners: ["web"] });
    expect(certificates.shown).toEqual({ [entry!.id]: ["web"] });
    manager.wanted("web", "a.shops.test");
    expect(authority.orders).toHaveLength(1);
  });

  it("are limited in an hour", async () => {
    const { manager, authority, good, lines } = setUp();
    follow(manager, onDemand);
    for (const shop of ["a", "b", "c", "d"]) manager.wanted("web", `${shop}.shops.test`);
    await good(2);
    expect(authority.orders).toHaveLength(2);
    expect(lines.filter((line) => line.includes("orders in the last hour"))).toEqual([
      "warn acme c.shops.test (on demand): not ordered: there were 2 orders in the last hour",
    ]);
  });

  it("are not ordered again soon when the authority refuses", async () => {
    const { manager, authority, lines, certificates } = setUp();
    authority.before = (step) => {
      if (step === "newOrder") throw refusal("refused", "rejectedIdentifier");
    };
    follow(manager, onDemand);
    manager.wanted("web", "a.shops.test");
    await waitFor("the refusal", () => manager.status().length === 0);
    expect(lines.at(-1)).toBe(
      "warn acme a.shops.test (on demand): ca.test: rejectedIdentifier; not ordered for 60 min",
    );
    expect(certificates.shown).toEqual({});
    manager.wanted("web", "a.shops.test");
    expect(manager.status()).toEqual([]);
  });

  it("are not ordered for names that the listener's own certificate has or will have", () => {
    const { manager } = setUp();
    follow(manager, {
      web: { domains: "*.shops.test", challenge: "dns-01", dnsHook: "/bin/hook", onDemand: "*.shops.test" },
    });
    manager.wanted("web", "a.shops.test");
    expect(manager.status()).toHaveLength(1);
  });

  it("are there after a restart, and gone when the list no longer has them", async () => {
    const first = setUp();
    follow(first.manager, onDemand);
    first.manager.wanted("web", "a.shops.test");
    await first.good();
    await first.manager.close();
    const second = setUp({ certificates: first.certificates, accounts: first.accounts });
    follow(second.manager, onDemand);
    const [entry] = await second.good();
    expect(entry).toMatchObject({ names: ["a.shops.test"], onDemand: true });
    expect(second.authority.orders).toEqual([]);
    follow(second.manager, { web: { onDemand: ["*.other.test"] } });
    expect(second.manager.status()).toEqual([]);
    expect(second.certificates.shown).toEqual({});
    expect(second.certificates.kept.size).toBe(1);
  });
});
