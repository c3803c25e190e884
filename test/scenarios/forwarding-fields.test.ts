import { describe, expect, it } from "vitest";
import { startProxy } from "../support/proxy.ts";
import { exchange } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";

const request = (...lines: string[]) =>
  `${["GET / HTTP/1.1", "Host: shop.example:8443", ...lines].join("\r\n")}\r\n\r\n`;

const spoofed = [
  "X-Forwarded-For: 6.6.6.6",
  "x-forwarded-for: 7.7.7.7",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Host: evil.example",
  "X-Forwarded-Port: 1",
  "Forwarded: for=6.6.6.6",
  "X-Request-Id: spoofed",
];

describe("forwarding fields", () => {
  it("say who the client is; what it says itself is dropped", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    await exchange(evenkeel.port(), request(...spoofed));
    const { lines, headers } = origin.requests[0];
    expect(headers).toMatchObject({
      host: "shop.example:8443",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "shop.example:8443",
      "x-forwarded-port": String(evenkeel.port()),
    });
    for (const name of [
      "x-forwarded-for",
      "x-forwarded-proto",
      "x-forwarded-host",
      "x-forwarded-port",
      "x-request-id",
    ]) {
      expect(
        lines.filter((line) => line.toLowerCase().startsWith(`${name}:`)),
        name,
      ).toHaveLength(1);
    }
    expect(headers).not.toHaveProperty("forwarded");
    expect(headers["x-request-id"]).not.toBe("spoofed");
  });

  it("keep what a trusted proxy says and add to it", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { listener: { trustedProxies: ["127.0.0.0/8"] } });
    await exchange(
      evenkeel.port(),
      request(
        "X-Forwarded-For: 203.0.113.7",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Proto: https",
        "X-Request-Id: abc-123",
      ),
    );
    expect(origin.requests[0].headers).toMatchObject({
      "x-forwarded-for": "203.0.113.7, 10.0.0.1, 127.0.0.1",
      "x-forwarded-proto": "https",
      "x-request-id": "abc-123",
    });
  });

  it("believe nobody outside of the trusted addresses", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { listener: { trustedProxies: ["192.0.2.0/24"] } });
    await exchange(evenkeel.port(), request(...spoofed));
    expect(origin.requests[0].headers["x-forwarded-for"]).toBe("127.0.0.1");
  });

  it("add Forwarded on request (RFC 7239)", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { listener: { forwarded: true } });
    await exchange(evenkeel.port(), request(...spoofed));
    const { forwarded } = origin.requests[0].headers;
    expect(forwarded).toContain("for=127.0.0.1");
    expect(forwarded).toContain("proto=http");
    expect(forwarded).toContain('host="shop.example:8443"');
    expect(forwarded).not.toContain("6.6.6.6");
  });
});

describe("request ids", () => {
  it("are new for each request, and the same for server and client in an error answer", async () => {
    const origin = await startRawOrigin(
      (_, connection) => void connection.send("HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n"),
    );
    const evenkeel = await startProxy([origin.address], { workers: 2 });
    const seen = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const response = await exchange(evenkeel.port(), request());
      expect(response.status).toBe(502);
      expect(response.headers["x-request-id"]).toBe(origin.requests.at(-1)!.headers["x-request-id"]);
      seen.add(response.headers["x-request-id"]);
    }
    expect(seen.size).toBe(50);
  });
});

describe("fields of one connection only (RFC 9110 7.6.1)", () => {
  it("are removed from requests, with those that Connection names", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    await exchange(
      evenkeel.port(),
      request(
        "Connection: keep-alive, X-Private",
        "X-Private: y",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: close",
        "Proxy-Authorization: Basic x",
        "TE: trailers",
        "Upgrade: x",
        "X-Public: z",
      ),
    );
    const { headers } = origin.requests[0];
    for (const name of ["x-private", "keep-alive", "proxy-connection", "proxy-authorization", "upgrade"]) {
      expect(headers).not.toHaveProperty(name);
    }
    expect(headers["x-public"]).toBe("z");
  });

  it.each(["Host", "Content-Length", "X-Forwarded-For", "X-Request-Id", "Cookie"])(
    "cannot be used to remove %s that the server relies on",
    async (name) => {
      const origin = await startRawOrigin();
      const evenkeel = await startProxy([origin.address]);
      const head = [
        "POST / HTTP/1.1",
        "Host: a",
        `Connection: ${name}`,
        "Content-Length: 2",
        "Cookie: a=b",
        "",
        "hi",
      ].join("\r\n");
      const response = await exchange(evenkeel.port(), head);
      expect(response.status).toBe(200);
      const { headers, body } = origin.requests[0];
      expect(body.toString()).toBe("hi");
      expect(headers).toMatchObject({ host: "a", "x-forwarded-for": "127.0.0.1" });
      expect(headers).toHaveProperty("x-request-id");
    },
  );

  it("are removed from answers, with those that Connection names", async () => {
    const origin = await startRawOrigin((_, connection) => {
      connection.send(
        "HTTP/1.1 200 OK\r\nConnection: X-Private\r\nX-Private: y\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nX-Public: z\r\nContent-Length: 0\r\n\r\n",
      );
    });
    const evenkeel = await startProxy([origin.address]);
    const { headers } = await exchange(evenkeel.port(), request());
    for (const name of ["connection", "x-private", "keep-alive", "proxy-authenticate"])
      expect(headers).not.toHaveProperty(name);
    expect(headers["x-public"]).toBe("z");
  });

  it("leave other fields of the answer as they are, repeated ones in order", async () => {
    const origin = await startRawOrigin((_, connection) => {
      connection.send(
        "HTTP/1.1 201 Made Up\r\nSet-Cookie: a=1\r\nServer: own\r\nSet-Cookie: b=2\r\nX-Bytes: \xe4\xff\r\nContent-Length: 0\r\n\r\n",
      );
    });
    const evenkeel = await startProxy([origin.address]);
    const response = await exchange(evenkeel.port(), request());
    expect(response.statusLine).toBe("HTTP/1.1 201 Made Up");
    expect(response.fields.filter(([name]) => name === "set-cookie").map(([, value]) => value)).toEqual(["a=1", "b=2"]);
    expect(response.headers["server"]).toBe("own");
    expect(response.headers["x-bytes"]).toBe("\xe4\xff");
  });
});
