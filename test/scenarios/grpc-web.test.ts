import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import type { Evenkeel } from "../support/evenkeel.ts";
import { startGrpcOrigin } from "../support/grpc-origin.ts";
import { startProxy } from "../support/proxy.ts";

const HELLO = Buffer.from("\0\0\0\0\x05hello", "latin1");

/** What a body of frames says: its messages, and the fields of the last frame. */
function read(body: Buffer): { messages: string[]; trailers: Record<string, string> } {
  const messages: string[] = [];
  let trailers: Record<string, string> = {};
  for (let at = 0; at < body.length;) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    const text = body.toString("latin1", at + 5, end);
    if (body[at] === 0x80)
      trailers = Object.fromEntries(
        text
          .trim()
          .split("\r\n")
          .map((line) => line.split(":") as [string, string]),
      );
    else messages.push(text);
    at = end;
  }
  return { messages, trailers };
}

/** As browsers do it, from another site. */
async function call(evenkeel: Evenkeel, method: string, type: string, body: Buffer | string, fields: object = {}) {
  const response = await fetch(`${evenkeel.url()}/test.Echo/${method}`, {
    method: "POST",
    headers: { "content-type": type, "x-grpc-web": "1", origin: "https://app.example.com", ...fields },
    body,
  });
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
}

async function webProxy(): Promise<{ evenkeel: Evenkeel; origin: Awaited<ReturnType<typeof startGrpcOrigin>> }> {
  const origin = await startGrpcOrigin("one");
  const filters = [
    { cors: { allowedOrigins: ["https://app.example.com"], exposedHeaders: ["grpc-status", "grpc-message"] } },
    { grpcWeb: {} },
  ];
  const evenkeel = await startProxy([origin.address], {
    upstream: { protocol: "h2c" },
    listener: { routes: [{ match: { path: "/test.Echo/*" }, pool: "web", filters }] },
  });
  return { evenkeel, origin };
}

describe("gRPC-Web", () => {
  it("calls gRPC servers with binary bodies", async () => {
    const { evenkeel } = await webProxy();
    const { response, bytes } = await call(evenkeel, "Unary", "application/grpc-web+proto", HELLO);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/grpc-web+proto"]);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(response.headers.get("server")).toBe("one");
    const { messages, trailers } = read(bytes);
    expect(messages).toEqual(["hello"]);
    expect(trailers).toMatchObject({ "grpc-status": "0", count: "1" });
  });

  it("calls them with base64, and gets each message of a stream by itself", async () => {
    const { evenkeel } = await webProxy();
    const { response, bytes } = await call(evenkeel, "Spread", "application/grpc-web-text", HELLO.toString("base64"));
    expect(response.headers.get("content-type")).toBe("application/grpc-web-text+proto");
    // Pieces are padded by themselves.
    const body = Buffer.concat(
      bytes
        .toString()
        .match(/[^=]+={0,2}/g)!
        .map((piece) => Buffer.from(piece, "base64")),
    );
    const { messages, trailers } = read(body);
    expect([messages, trailers["grpc-status"], trailers["count"]]).toEqual([[..."hello"], "0", "5"]);
  });

  it("tells the servers' errors and the proxy's own", async () => {
    const { evenkeel, origin } = await webProxy();
    const failed = await call(evenkeel, "Unary", "application/grpc-web", HELLO, { fail: String(status.NOT_FOUND) });
    const said = failed.response.headers.get("grpc-status") ?? read(failed.bytes).trailers["grpc-status"];
    expect(said).toBe(String(status.NOT_FOUND));
    origin.kill();
    const { response } = await call(evenkeel, "Unary", "application/grpc-web", HELLO);
    expect([response.status, response.headers.get("grpc-status")]).toEqual([200, String(status.UNAVAILABLE)]);
    expect(response.headers.get("content-type")).toBe("application/grpc-web");
    expect(decodeURIComponent(response.headers.get("grpc-message")!)).toMatch(/request /);
  });
});
