import { request } from "node:http";
import { beforeAll, describe, expect, it } from "vitest";
import type { Evenkeel } from "../support/evenkeel.ts";
import type { Echo } from "../support/node-origin.ts";
import { startNodeOriginProcess } from "../support/origins.ts";
import { digest, payload, payloadHash } from "../support/payload.ts";
import { peakWhile, residentBytes } from "../support/process-usage.ts";
import { startProxy } from "../support/proxy.ts";

/* 1 GB in either direction arrives with equal checksums while the program's memory stays flat. */
const SIZE = 1_000_000_000;
const GROWTH = 64 * 1_048_576;

describe("bodies of 1 GB", () => {
  let evenkeel: Evenkeel;
  let expected: string;
  let before: number;

  beforeAll(async () => {
    const origin = await startNodeOriginProcess();
    evenkeel = await startProxy([origin.address]);
    expected = payloadHash(SIZE);
    // Buffers that are there once do not count as growth.
    for (let i = 0; i < 3; i++) await digest((await fetch(`${evenkeel.url()}/bytes/50000000`)).body!);
    await upload(evenkeel, 50_000_000, {});
    before = residentBytes(evenkeel.pid);
  });

  it.each(["", "?chunked"])("download /bytes/N%s", { timeout: 60_000 }, async (query) => {
    const { peak, result } = await peakWhile(evenkeel.pid, async () => {
      return digest((await fetch(`${evenkeel.url()}/bytes/${SIZE}${query}`)).body!);
    });
    expect(result).toEqual({ length: SIZE, sha256: expected });
    expect(peak - before).toBeLessThan(GROWTH);
  });

  it.each([
    ["by length", { "Content-Length": String(SIZE) }],
    ["in chunks", { "Transfer-Encoding": "chunked" }],
  ])("upload %s", { timeout: 60_000 }, async (_, headers) => {
    const { peak, result } = await peakWhile(evenkeel.pid, () => upload(evenkeel, SIZE, headers));
    expect(result).toEqual({ length: SIZE, sha256: expected });
    expect(peak - before).toBeLessThan(GROWTH);
  });
});

function upload(evenkeel: Evenkeel, size: number, headers: Record<string, string>): Promise<Echo["body"]> {
  return new Promise((resolve, reject) => {
    const sent = request(`${evenkeel.url()}/upload`, { method: "POST", headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve((JSON.parse(text) as Echo).body));
    });
    sent.on("error", reject);
    payload(size).pipe(sent);
  });
}
