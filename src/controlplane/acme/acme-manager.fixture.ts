import { join } from "node:path";
import { vi } from "vitest";
import { temporaryFolder, type TestAuthority } from "../../../test/support/certificates.ts";
import { atEnd } from "../../../test/support/cleanup.ts";
import { waitFor } from "../../../test/support/wait.ts";
import { acmeConfig, FakeAuthority, FakeCertificates } from "./acme.fixture.ts";
import { AcmeManager } from "./acme-manager.ts";

/** What a restarted manager has from before. */
export interface Setup {
  readonly root: TestAuthority;
  readonly certificates?: FakeCertificates;
  readonly accounts?: string;
}

/** A manager with an authority and a store in memory; it ends with the test. */
export function startManager({
  root,
  certificates = new FakeCertificates(),
  accounts = join(temporaryFolder(), "accounts"),
}: Setup) {
  const authority = new FakeAuthority(root);
  const lines: string[] = [];
  const calls: string[] = [];
  const hook = vi.fn(async (program: readonly string[], action: string, name: string, value: string) => {
    calls.push([...program, action, name, value].join(" "));
  });
  const manager = new AcmeManager({
    certificates,
    authority,
    accounts,
    clock: { now: () => performance.now(), wall: () => Date.now() },
    random: () => 0.5,
    log: (level, message) => void lines.push(`${level} ${message}`),
    hook,
  });
  atEnd(() => manager.close());
  const good = (count = 1) =>
    waitFor(`${count} good certificates:\n${lines.join("\n")}`, () => {
      const entries = manager.status();
      return entries.length === count && entries.every(({ state }) => state === "valid") && entries;
    });
  return { manager, authority, certificates, lines, calls, hook, good, accounts };
}

/** Lets it follow listeners with these ACME settings. */
export const follow = (manager: AcmeManager, listeners: Readonly<Record<string, object>>) =>
  manager.follow(acmeConfig(listeners), "/etc/evenkeel");
