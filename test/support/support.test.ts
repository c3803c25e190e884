import { describe, expect, it } from "vitest";
import type { Echo } from "./node-origin.ts";
import { startNginx, startNodeOrigin, startNodeOriginProcess, startPython } from "./origins.ts";
import { digest, payload, payloadBytes, payloadHash } from "./payload.ts";
import { exchange, RawClient } from "./raw-client.ts";
import { startRawOrigin } from "./raw-origin.ts";
import { missing } from "./tools.ts";

/* The tools of the scenarios, tried on each other without the program between them. */
describe("payload", () => {
  it.each([0, 1, 65_536, 200_001])("has %i bytes and its checksum", async (size) => {
    expect(payloadBytes(size)).toHaveLength(size);
    expect(await digest(payload(size))).toEqual({ length: size, sha256: payloadHash(size) });
  });

  it("differs from block to block", () => {
    const bytes = payloadBytes(131_072);
    expect(bytes.subarray(0, 65_536).equals(bytes.subarray(65_536))).toBe(false);
  });
});

describe("raw client and raw origin", () => {
  it("frame requests and responses byte by byte", async () => {
    const origin = await startRawOrigin((request, connection) => {
      connection.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`);
      connection.send(`${request.body.length.toString(16)}\r\n${request.body.toString("latin1")}\r\n0\r\nX: y\r\n\r\n`);
    });
    const client = await RawClient.connect(origin.port);
    const post = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    await client.sendBytewise(post + post);
    for (let i = 0; i < 2; i++) {
      const response = await client.response();
      expect(response.body.toString()).toBe("hello");
      expect(response.trailers).toBe("X: y\r\n");
    }
    expect(origin.connections).toHaveLength(1);
    expect(origin.connections[0].text).toBe(post + post);
    expect(origin.connections[0].rest).toBe("");
    expect(origin.requests.map(({ target, body }) => [target, body.toString()])).toEqual([
      ["/x", "hello"],
      ["/x", "hello"],
    ]);
  });

  it("tell an answer that is cut from a whole one", async () => {
    const origin = await startRawOrigin((_, connection) =>
      connection.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
    );
    await expect(exchange(origin.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).rejects.toThrow(
      "ended after 5 of 10 bytes",
    );
  });
});

describe("origins", () => {
  it("Node, in this process and in its own", async () => {
    for (const origin of [await startNodeOrigin("one"), await startNodeOriginProcess("one")]) {
      const response = await fetch(`http://${origin.address}/x?y`, { method: "POST", body: payloadBytes(100_000) });
      const echo = (await response.json()) as Echo;
      expect(echo).toMatchObject({ server: "one", method: "POST", url: "/x?y" });
      expect(echo.body).toEqual({ length: 100_000, sha256: payloadHash(100_000) });
      const download = await fetch(`http://${origin.address}/bytes/100001`);
      expect(await digest(download.body!)).toEqual({ length: 100_001, sha256: payloadHash(100_001) });
    }
  });

  it.skipIf(missing("nginx", "nginx as an origin"))("nginx", async () => {
    const origin = await startNginx({ "a/b.txt": "from nginx" });
    expect(await (await fetch(`http://${origin.address}/a/b.txt`)).text()).toBe("from nginx");
  });

  it.skipIf(missing("python3", "python as an origin"))("python", async () => {
    const origin = await startPython({ "a.txt": "from python" });
    expect(await (await fetch(`http://${origin.address}/a.txt`)).text()).toBe("from python");
  });
});
