import { describe, expect, it } from "vitest";
import { freePort } from "../support/origins.ts";
import { startProxy } from "../support/proxy.ts";
import { exchange } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";

const get = (path: string, ...lines: string[]) =>
  `${[`GET ${path} HTTP/1.1`, "Host: a", ...lines].join("\r\n")}\r\n\r\n`;

describe("error answers", () => {
  it("nobody ready: 503 with Retry-After, code and request id", async () => {
    const evenkeel = await startProxy([]);
    const response = await exchange(evenkeel.port(), get("/"));
    expect(response.status).toBe(503);
    expect(response.headers["retry-after"]).toMatch(/^\d+$/);
    expect(response.headers["content-type"]).toBe("application/json");
    const { error } = JSON.parse(response.body.toString());
    expect(error).toMatchObject({ status: 503, code: "no_server", requestId: response.headers["x-request-id"] });
    expect(error.message).toMatch(/^[A-Z].*\.$/);
  });

  it("nobody there: 502", async () => {
    const evenkeel = await startProxy([`127.0.0.1:${await freePort()}`]);
    const response = await exchange(evenkeel.port(), get("/"));
    expect(response.status).toBe(502);
    expect(JSON.parse(response.body.toString()).error.code).toBe("connect_failed");
  });

  it("no route: 404", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], {
      listener: { routes: [{ match: { path: "/only" }, pool: "web" }] },
    });
    expect((await exchange(evenkeel.port(), get("/only"))).status).toBe(200);
    const response = await exchange(evenkeel.port(), get("/other"));
    expect(response.status).toBe(404);
    expect(JSON.parse(response.body.toString()).error.code).toBe("no_route");
  });

  it("CONNECT: 501, as there is no forward proxy here", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    const response = await exchange(evenkeel.port(), "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
    expect(response.status).toBe(501);
    expect(origin.text).toBe("");
  });

  it.each([
    ["text/html", true],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true],
    ["application/json", false],
    ["*/*", false],
    ["text/html;q=0.5, application/json", false],
  ])("are HTML or JSON by Accept: %s", async (accept, html) => {
    const evenkeel = await startProxy([]);
    const response = await exchange(
      evenkeel.port(),
      get("/<script>alert(1)</script>".replaceAll(/[<>()]/g, ""), `Accept: ${accept}`),
    );
    expect(response.status).toBe(503);
    expect(response.headers["content-type"]).toBe(html ? "text/html; charset=utf-8" : "application/json");
    const text = response.body.toString();
    expect(text).toContain("no_server");
    expect(text).toContain(response.headers["x-request-id"]);
    if (html) expect(text).toMatch(/^<!doctype html>/i);
  });

  it("to HEAD have no body but its length", async () => {
    const evenkeel = await startProxy([]);
    const head = await exchange(evenkeel.port(), "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD");
    expect(head.status).toBe(503);
    expect(Number(head.headers["content-length"])).toBeGreaterThan(0);
  });

  it("keep the connection when the request came whole", async () => {
    const evenkeel = await startProxy([]);
    const response = await exchange(evenkeel.port(), get("/"));
    expect(response.headers["connection"]).toBeUndefined();
  });

  it("do not show what the client sent or where servers are", async () => {
    const port = await freePort();
    const evenkeel = await startProxy([`127.0.0.1:${port}`]);
    const response = await exchange(evenkeel.port(), get("/secret-path", "Accept: text/html", "Cookie: secret-cookie"));
    const text = response.body.toString();
    expect(text).not.toContain("secret");
    expect(text).not.toContain(String(port));
  });
});
