import { expect } from "vitest";
import { startChatOrigin, type ChatOrigin } from "./chat-origin.ts";
import type { Evenkeel } from "./evenkeel.ts";
import { startProxy, type WebOptions } from "./proxy.ts";
import { exchange } from "./raw-client.ts";
import { waitFor } from "./wait.ts";

/** What an action on a server answers; the parts that tests look at. */
export interface ActionAnswer {
  readonly server: { readonly state: string };
  readonly inFlight: number;
  readonly drainTimeLeft: number | null;
  readonly warnings: readonly string[];
}

/** Has the balancer do something with the server over REST. */
export async function act(evenkeel: Evenkeel, origin: { readonly address: string }, action: string, body: object = {}) {
  const response = await fetch(`${evenkeel.url("admin")}/api/v2/servers/${origin.address}/${action}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as ActionAnswer;
}

/** The program with two servers behind it and two workers. */
export async function twoServers(options: WebOptions = {}) {
  const [one, two] = [await startChatOrigin("one"), await startChatOrigin("two")];
  const evenkeel = await startProxy([one.address, two.address], { workers: 2, ...options });
  return { one, two, evenkeel };
}

/** Does something that only the first server can answer: the other one is down meanwhile. */
export async function onlyOne<T>(evenkeel: Evenkeel, two: ChatOrigin, work: () => Promise<T>): Promise<T> {
  await act(evenkeel, two, "down");
  await noRequests(evenkeel, two);
  const result = await work();
  await act(evenkeel, two, "resume");
  return result;
}

/** Waits until requests over new connections, which reach all workers, do not get to the server any more. */
export async function noRequests(evenkeel: Evenkeel, origin: ChatOrigin): Promise<void> {
  await waitFor(`no request at ${origin.address}`, async () => {
    const before = origin.quick;
    for (let i = 0; i < 20; i++) await exchange(evenkeel.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    return origin.quick === before;
  });
}
