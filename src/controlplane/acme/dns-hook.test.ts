import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/certificates.ts";
import { callDnsHook } from "./dns-hook.ts";

const never = new AbortController().signal;
const shell = (script: string, ...more: string[]) => ["/bin/sh", "-c", script, "hook", ...more];

afterEach(() => {
  delete process.env["EVENKEEL_DNS_TOKEN"];
  delete process.env["SOME_SECRET"];
});

it("gives the program what it is called for, as arguments of their own", async () => {
  const file = join(temporaryFolder(), "called");
  const hook = shell(`printf '%s|' "$@" >>"${file}"`, "--zone", "a b");
  await callDnsHook(hook, "present", "_acme-challenge.a.test", "v$(id);`x` y", never);
  await callDnsHook(hook, "cleanup", "_acme-challenge.a.test", "-v", never);
  expect(readFileSync(file, "utf8")).toBe(
    "--zone|a b|present|_acme-challenge.a.test|v$(id);`x` y|--zone|a b|cleanup|_acme-challenge.a.test|-v|",
  );
});

it("gives it what is meant for it, and none of the balancer's secrets", async () => {
  process.env["EVENKEEL_DNS_TOKEN"] = "for the hook";
  process.env["SOME_SECRET"] = "not for the hook";
  const file = join(temporaryFolder(), "environment");
  await callDnsHook(shell(`env >"${file}"`), "present", "n", "v", never);
  const environment = readFileSync(file, "utf8");
  expect(environment).toContain("EVENKEEL_DNS_TOKEN=for the hook\n");
  expect(environment).toMatch(/^PATH=/m);
  expect(environment).not.toContain("SOME_SECRET");
});

it.each<[string, string[], RegExp]>([
  ["an exit code", shell("echo no such zone; exit 3"), /^dnsHook present n: exit code 3: no such zone$/],
  ["an exit code without a word", shell("exit 1"), /^dnsHook present n: exit code 1$/],
  ["errors", shell("echo broken >&2; exit 1"), /exit code 1: broken$/],
  ["a signal", shell("kill -9 $$"), /ended by SIGKILL$/],
  ["nothing at all", ["/does/not/exist"], /cannot run \/does\/not\/exist/],
  ["too much to say", shell("yes | head -c 1000000 | tr -d '\\n'; exit 1"), /^.{200,300}$/],
])("says what came of a program that ends with %s", async (_, hook, expected) => {
  await expect(callDnsHook(hook, "present", "n", "v", never)).rejects.toThrow(expected);
});

it("ends a program that does not end in time", async () => {
  const hook = callDnsHook(shell("echo waiting; sleep 100"), "present", "n", "v", AbortSignal.timeout(200));
  await expect(hook).rejects.toThrow(/^dnsHook present n: no end in time/);
});
