import { createHash } from "node:crypto";
import { challengeRecord } from "../../core/acme/names.ts";
import type { AcmeConfig } from "../../config/tls-schema.ts";
import { alpnCertificate } from "./alpn-certificate.ts";
import type { ChallengeBoard } from "./challenge-board.ts";
import type { callDnsHook } from "./dns-hook.ts";
import { CLEANUP_TIMEOUT } from "./limits.ts";
import { pause } from "./pause.ts";

/** A challenge whose answer is to be put where the authority looks. */
export interface Task {
  readonly name: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

export interface PresentDeps {
  readonly board: ChallengeBoard;
  readonly hook: typeof callDnsHook;
  /** ms since 1970-01-01 UTC. */
  wall(): number;
}

/**
 * Puts the answers where the authority looks. Resolves, when they can be seen, with what takes them away again; that never
 * rejects but returns what went wrong, or null. When it rejects, everything has been taken away.
 */
export async function present(
  tasks: readonly Task[],
  settings: AcmeConfig,
  deps: PresentDeps,
  signal: AbortSignal,
): Promise<() => Promise<string | null>> {
  if (settings.challenge === "dns-01") return presentRecords(tasks, settings, deps, signal);
  const remove = await deps.board.add(
    settings.challenge === "http-01"
      ? { http: Object.fromEntries(tasks.map(({ token, keyAuthorization }) => [token, keyAuthorization])) }
      : { alpn: Object.fromEntries(await Promise.all(tasks.map((task) => alpnEntry(task, deps.wall())))) },
  );
  return async () => {
    try {
      await remove();
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  };
}

async function alpnEntry({ name, keyAuthorization }: Task, now: number) {
  return [name, await alpnCertificate(name, keyAuthorization, now)] as const;
}

async function presentRecords(
  tasks: readonly Task[],
  settings: AcmeConfig,
  { hook }: PresentDeps,
  signal: AbortSignal,
): Promise<() => Promise<string | null>> {
  const { dnsHook, dnsHookTimeout, dnsPropagation } = settings;
  const begun: { name: string; value: string }[] = [];
  const cleanUp = async (): Promise<string | null> => {
    let problem: string | null = null;
    for (const { name, value } of begun) {
      try {
        // The order may have been given up: what was set is removed all the same.
        await hook(dnsHook, "cleanup", name, value, AbortSignal.timeout(Math.min(dnsHookTimeout, CLEANUP_TIMEOUT)));
      } catch (error) {
        problem = (error as Error).message;
      }
    }
    return problem;
  };
  try {
    for (const { name, keyAuthorization } of tasks) {
      const record = {
        name: challengeRecord(name),
        value: createHash("sha256").update(keyAuthorization).digest("base64url"),
      };
      begun.push(record);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(dnsHookTimeout)]);
      await hook(dnsHook, "present", record.name, record.value, limit);
    }
    if (dnsPropagation > 0 && begun.length > 0) await pause(dnsPropagation, signal);
  } catch (error) {
    await cleanUp();
    throw error;
  }
  return cleanUp;
}
