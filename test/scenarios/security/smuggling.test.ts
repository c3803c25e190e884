import { describe, expect, it } from "vitest";
import { startProxy } from "../../support/proxy.ts";
import { RawClient } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";

const INNER = "GET /smuggled HTTP/1.1\r\nHost: inner\r\n\r\n";
const CHUNKED = `${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`;

describe("a body that holds a request", () => {
  it.each([
    ["Transfer-Encoding", "Transfer-Encoding: chunked", CHUNKED],
    ["te, transfer-encoding ,close", "Transfer-Encoding: chunked", CHUNKED],
    ["content-length", `Content-Length: ${INNER.length}`, INNER],
    ["trailer", "Transfer-Encoding: chunked\r\nTrailer: a", CHUNKED],
  ])("stays a body when Connection names %s", async (nominated, framing, body) => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(`POST /outer HTTP/1.1\r\nHost: a\r\nConnection: ${nominated}\r\n${framing}\r\n\r\n${body}`);
    expect((await client.response()).status).toBe(200);
    await origin.waitForRequests(1);
    expect(origin.requests.map(({ target }) => target)).toEqual(["/outer"]);
    expect(origin.requests[0].body.toString()).toBe(INNER);
    expect(origin.connections.map(({ garbage, rest }) => [garbage, rest])).toEqual([[undefined, ""]]);
  });
});
