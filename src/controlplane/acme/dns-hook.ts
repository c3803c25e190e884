import { runCommand } from "../health/probes/command.ts";

/** What a hook program is called for. */
export type HookAction = "present" | "cleanup";

/** Of the balancer's environment a hook gets these: what programs need, and what the usual DNS tools are configured by. */
const PASSED = ["PATH", "HOME", "LANG", "TZ"];

/**
 * Calls the operator's program that sets and removes TXT records: `PROGRAM ARGUMENTS… present NAME VALUE`, without a shell.
 * Resolves when it has ended with 0; rejects with an Error, which has the first line that it wrote, when it ends otherwise or
 * not before the signal fires.
 *
 * @param hook program and its first arguments
 * @param name of the record, without a dot at its end
 */
export async function callDnsHook(
  hook: readonly string[],
  action: HookAction,
  name: string,
  value: string,
  signal: AbortSignal,
): Promise<void> {
  const passed = PASSED.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]] as const]));
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => key.startsWith("EVENKEEL_DNS_")),
  );
  const end = await runCommand(
    [...hook, action, name, value],
    { ...environment, ...Object.fromEntries(passed) },
    signal,
  );
  if (end.code === 0 && !end.aborted) return;
  const ending = end.aborted
    ? "no end in time"
    : end.code === null
      ? `ended by ${end.signal}`
      : `exit code ${end.code}`;
  throw new Error(`dnsHook ${action} ${name}: ${ending}${end.line === "" ? "" : `: ${end.line.slice(0, 200)}`}`);
}
