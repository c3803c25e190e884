import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TestAuthority, type Issued } from "../../../../test/support/certificates.ts";
import { atEnd } from "../../../../test/support/cleanup.ts";
import { missing } from "../../../../test/support/tools.ts";
import { waitFor } from "../../../../test/support/wait.ts";
import { inspectPair, type InspectedPair } from "../../../config/certificates/inspect-pair.ts";
import { certificateIds, ocspRequest } from "./cert-id.ts";
import { fetchOcsp } from "./ocsp-fetch.ts";
import { OcspStaples } from "./ocsp-staples.ts";
import { TestResponder } from "./responder.fixture.ts";

const URL_OF_RESPONDER = "http://ocsp.test/";
let issued: Issued;
let pair: InspectedPair;
let responder: TestResponder;
let now: number;
let asked: string[];
let log: string[];
let changes: number;
let answer: (request: Buffer) => Buffer | Promise<Buffer>;
let staples: OcspStaples;

beforeAll(async () => {
  const root = await TestAuthority.create();
  const intermediate = await root.intermediate();
  issued = await intermediate.issue({ names: ["a.test"], ocsp: URL_OF_RESPONDER });
  responder = await TestResponder.of(intermediate);
  const result = inspectPair(issued.chain, issued.key);
  if ("reason" in result) throw new Error(result.reason);
  ({ pair } = result);
});

beforeEach(() => {
  now = Date.now();
  [asked, log, changes] = [[], [], 0];
  answer = (request) => responder.answer(request, issued);
  staples = new OcspStaples({
    clock: { now: () => now, wall: () => now },
    log: (_level, message) => log.push(message),
    fetch: async (url, request) => (asked.push(url), answer(request)),
    changed: () => changes++,
  });
});

const stapled = (file: Buffer | null = null) => ({ id: "file:a", pair, file });

/** Lets time pass, and what it brings. */
async function pass(ms: number): Promise<void> {
  now += ms;
  staples.tick();
  await new Promise(setImmediate);
}

describe.skipIf(missing("openssl", "OCSP responses to be stapled"))("responses to be stapled", () => {
  it("are fetched, and again at half of their life", async () => {
    staples.follow([stapled()]);
    expect(staples.state(pair)).toEqual({ state: "waiting", until: null, error: null });
    await waitFor("the response", () => changes === 1);
    expect(asked).toEqual([URL_OF_RESPONDER]);
    expect(staples.state(pair)).toMatchObject({ state: "good", error: null });
    const first = staples.response(pair);
    await pass(29 * 60_000);
    staples.follow([stapled()]);
    expect(asked.length).toBe(1);
    await pass(2 * 60_000);
    await waitFor("the next one", () => changes === 2);
    expect(staples.response(pair)).not.toBe(first);
    staples.follow([]);
    expect([staples.response(pair), staples.state(pair)]).toEqual([null, undefined]);
  });

  it("stay when a later one fails, until their time is over; failures are said once, and tried ever more seldom", async () => {
    staples.follow([stapled()]);
    await waitFor("the response", () => changes === 1);
    answer = () => Promise.reject(new Error("it answers with status 500"));
    await pass(31 * 60_000);
    expect(staples.state(pair)).toMatchObject({ state: "good", error: "it answers with status 500" });
    expect(log).toEqual(["certificate file:a: no OCSP response to show: it answers with status 500"]);
    for (let minute = 0; minute < 15; minute++) await pass(60_000);
    // After 1, 2, 4 and 8 minutes.
    expect(asked.length).toBe(6);
    expect(log.length).toBe(1);
    await pass(20 * 60_000);
    expect(staples.state(pair)).toEqual({ state: "failed", until: null, error: "it answers with status 500" });
    expect([staples.response(pair), changes]).toEqual([null, 2]);
    answer = (request) => responder.answer(request, issued);
    for (let minute = 0; minute < 65; minute++) await pass(60_000);
    expect(staples.state(pair)?.error).toMatch(/expired/);
  });

  it("of revoked certificates are not shown", async () => {
    answer = (request) => responder.answer(request, issued, { status: "revoked" });
    staples.follow([stapled()]);
    await waitFor("the line", () => log.length === 1);
    expect(staples.state(pair)).toMatchObject({ state: "failed", error: "the certificate is revoked" });
  });

  it("come from a file where one is named, and nobody is asked", async () => {
    const { leaf, issuer } = pair;
    const file = responder.answer(ocspRequest(certificateIds(leaf, issuer!)), issued);
    staples.follow([stapled(file)]);
    expect(staples.response(pair)).toEqual(file);
    staples.follow([stapled(Buffer.from("nonsense"))]);
    expect(staples.state(pair)).toMatchObject({ state: "failed" });
    await pass(0);
    expect([asked, changes]).toEqual([[], 0]);
    staples.follow([stapled(file)]);
    await pass(2 * 3_600_000);
    expect([staples.response(pair), changes]).toEqual([null, 1]);
  });

  it("are not looked for where no responder is named, or its issuer is not known", () => {
    const alone = inspectPair(issued.certificate, issued.key);
    if ("reason" in alone) throw new Error(alone.reason);
    staples.follow([{ id: "file:a", pair: alone.pair, file: null }]);
    expect([asked, staples.state(alone.pair)]).toEqual([[], undefined]);
  });
});

async function listening(handle: RequestListener): Promise<string> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return `http://localhost:${(server.address() as AddressInfo).port}/ocsp`;
}

describe("a request to a responder", () => {
  it("is a POST, and its answer has a limit", async () => {
    const url = await listening((request, response) => {
      request.on("data", (data: Buffer) => {
        response.end(`${request.method} ${request.headers["content-type"]} ${data.toString()}`);
      });
    });
    expect((await fetchOcsp(url, Buffer.from("abc"))).toString()).toBe("POST application/ocsp-request abc");
    const big = await listening((_, response) => response.end(Buffer.alloc(100_000)));
    await expect(fetchOcsp(big, Buffer.alloc(1))).rejects.toThrow("more than 65536 bytes");
    const moved = await listening((_, response) => response.writeHead(302, { location: url }).end());
    await expect(fetchOcsp(moved, Buffer.alloc(1))).rejects.toThrow("status 302");
  });

  it("never goes to services of the machine's own", async () => {
    for (const host of ["169.254.169.254", "[fe80::1]", "metadata.google.internal", "[::ffff:169.254.169.254]"]) {
      await expect(fetchOcsp(`http://${host}/`, Buffer.alloc(1))).rejects.toThrow("link-local or a metadata service");
    }
    await expect(fetchOcsp("file:///etc/passwd", Buffer.alloc(1))).rejects.toThrow("file: is not asked");
  });
});
