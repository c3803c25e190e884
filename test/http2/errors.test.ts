import { describe, expect, it } from "vitest";
import { abuse } from "./cases/abuse.ts";
import type { Case } from "./cases/case.ts";
import { client } from "./cases/client.ts";
import { framing } from "./cases/framing.ts";
import { streams } from "./cases/streams.ts";
import { windowsAndSettings } from "./cases/windows-and-settings.ts";
import { RecordedConnection } from "./support/recorded-connection.ts";

/** What a case makes of a connection. */
function play({ steps, options, peerSettings, bare }: Case, role: "server" | "client"): RecordedConnection {
  const recorded =
    bare === true
      ? new RecordedConnection({ role, ...options })
      : RecordedConnection.established({ role, ...options }, peerSettings);
  for (const step of steps) {
    if (typeof step === "function") step(recorded);
    else recorded.feed(step);
  }
  return recorded;
}

function check(one: Case, role: "server" | "client"): void {
  const recorded = play(one, role);
  const frames = recorded.frames();
  expect(frames).toEqual(one.frames);
  if (one.events !== undefined) expect(recorded.events).toEqual(one.events);
  const failed = frames.some((line) => line.startsWith("GOAWAY") && !line.endsWith("NO_ERROR"));
  expect(recorded.connection.over).toBe(failed);
  expect(recorded.events.some((event) => event.startsWith("error "))).toBe(failed);
  // Nobody is left behind who has not heard of the end.
  if (failed) for (const { stream } of recorded.users.values()) expect(stream.closed).toBe(true);
}

const groups: [string, "server" | "client", Case[]][] = [
  ["frames and header blocks (server)", "server", framing],
  ["streams (server)", "server", streams],
  ["windows and settings (server)", "server", windowsAndSettings],
  ["client", "client", client],
  ["abuse (server)", "server", abuse],
];

describe.each(groups)("RFC 9113: %s", (_name, role, cases) => {
  it.each(cases.map((one) => [`${one.rfc}: ${one.name}`, one] as const))("%s", (_title, one) => check(one, role));
});

it("has at least 120 cases, none of them twice", () => {
  const names = groups.flatMap(([group, , cases]) => cases.map(({ name }) => `${group}: ${name}`));
  expect(names.length).toBeGreaterThanOrEqual(120);
  expect(new Set(names).size).toBe(names.length);
});
