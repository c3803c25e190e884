import { describe, expect, it } from "vitest";
import { startHttp2Origin } from "../support/http2-origin.ts";
import { startProxy } from "../support/proxy.ts";

describe("HTTP/2 in the clear to a server", () => {
  it("carries requests and answers", async () => {
    const origin = await startHttp2Origin();
    const evenkeel = await startProxy([origin.address], { upstream: { protocol: "h2c" } });
    const response = await fetch(`${evenkeel.url()}/a?b=1`, { headers: { "x-one": "1" } });
    const echo = (await response.json()) as { headers: Record<string, string> };
    expect([response.status, response.headers.get("x-server")]).toEqual([200, "h2"]);
    expect(echo.headers).toMatchObject({ ":method": "GET", ":path": "/a?b=1", ":scheme": "http", "x-one": "1" });
    const post = await fetch(`${evenkeel.url()}/b`, { method: "POST", body: "hello" });
    expect(await post.json()).toMatchObject({ body: { length: 5 }, headers: { ":method": "POST" } });
    expect(origin.sessions).toBe(1);
  });
});
