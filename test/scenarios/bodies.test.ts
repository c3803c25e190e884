import { request } from "node:http";
import { beforeAll, describe, expect, it } from "vitest";
import type { Evenkeel } from "../support/evenkeel.ts";
import { startNodeOrigin } from "../support/origins.ts";
import type { Echo } from "../support/node-origin.ts";
import { digest, payload, payloadBytes, payloadHash } from "../support/payload.ts";
import { startProxy } from "../support/proxy.ts";
import { RawClient } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";

const sizes = [0, 1, 16_383, 16_384, 16_385, 65_536, 1_048_576, 64 * 1_048_576];

describe("bodies of every size and framing", () => {
  let evenkeel: Evenkeel;

  beforeAll(async () => {
    const origin = await startNodeOrigin();
    evenkeel = await startProxy([origin.address]);
  });

  it.each(sizes)("download of %i bytes by length", async (size) => {
    const response = await fetch(`${evenkeel.url()}/bytes/${size}`);
    expect(response.headers.get("content-length")).toBe(String(size));
    expect(await digest(response.body!)).toEqual({ length: size, sha256: payloadHash(size) });
  });

  it.each(sizes)("download of %i bytes in chunks", async (size) => {
    const response = await fetch(`${evenkeel.url()}/bytes/${size}?chunked`);
    expect(response.headers.get("content-length")).toBeNull();
    expect(await digest(response.body!)).toEqual({ length: size, sha256: payloadHash(size) });
  });

  it.each(sizes)("upload of %i bytes by length", async (size) => {
    expect(await upload(evenkeel, size, { "Content-Length": String(size) })).toEqual({
      length: size,
      sha256: payloadHash(size),
    });
  });

  it.each(sizes)("upload of %i bytes in chunks", async (size) => {
    expect(await upload(evenkeel, size, { "Transfer-Encoding": "chunked" })).toEqual({
      length: size,
      sha256: payloadHash(size),
    });
  });

  it.each(sizes)("%i bytes there and back at the same time", async (size) => {
    const response = await fetch(`${evenkeel.url()}/mirror`, {
      method: "POST",
      body: streamOf(size),
      duplex: "half",
    } as RequestInit);
    expect(await digest(response.body!)).toEqual({ length: size, sha256: payloadHash(size) });
  });
});

describe("answers that end with the connection", () => {
  it.each([0, 1, 16_385, 1_048_576])(
    "%i bytes reach an HTTP/1.1 client whole, on a connection that stays",
    async (size) => {
      const origin = await startRawOrigin((_, connection) => {
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: x/y\r\n\r\n");
        connection.end(payloadBytes(size));
      });
      const evenkeel = await startProxy([origin.address]);
      const client = await RawClient.connect(evenkeel.port());
      for (let i = 0; i < 2; i++) {
        await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const response = await client.response();
        expect(response.headers["transfer-encoding"]).toBe("chunked");
        expect(response.body.equals(payloadBytes(size))).toBe(true);
      }
    },
  );

  it("from an HTTP/1.0 server", async () => {
    const origin = await startRawOrigin((_, connection) => connection.end("HTTP/1.0 200 OK\r\n\r\nold"));
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const response = await client.response();
    expect(response.statusLine).toMatch(/^HTTP\/1\.1 200/);
    expect(response.body.toString()).toBe("old");
  });
});

describe("trailers", () => {
  it("pass in both directions, and never become headers", async () => {
    const origin = await startRawOrigin((_, connection) => {
      connection.send(
        "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: down\r\nSet-Cookie: evil\r\n\r\n",
      );
    });
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: up\r\nHost: evil\r\n\r\n",
    );
    const response = await client.response();
    expect(response.headers["x-sum"]).toBeUndefined();
    expect(response.trailers).toBe("X-Sum: down\r\n");
    expect(origin.requests[0].trailers).toBe("X-Sum: up\r\n");
  });
});

function streamOf(size: number): ReadableStream<Uint8Array> {
  return ReadableStream.from(payload(size)) as ReadableStream<Uint8Array>;
}

/** Sends the payload; what the server says that it got. */
function upload(
  evenkeel: Evenkeel,
  size: number,
  headers: Record<string, string>,
): Promise<{ length: number; sha256: string }> {
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
