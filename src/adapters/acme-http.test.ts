import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { TestAuthority } from "../../test/support/certificates.ts";
import { atEnd } from "../../test/support/cleanup.ts";
import { AcmeHttp, failed } from "./acme-http.ts";

const never = new AbortController().signal;

/** A server that does this with each request, and connections to it. */
async function connectTo(serve: (response: ServerResponse) => void, timeout = 30_000, signal = never) {
  const certificate = await (await TestAuthority.create()).issue({ names: ["127.0.0.1"] });
  const server = createServer({ cert: certificate.chain, key: certificate.key }, (_, response) => serve(response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const http = new AcmeHttp([certificate.root], "evenkeel/test", signal, timeout);
  atEnd(() => {
    http.close();
    server.closeAllConnections();
    server.close();
  });
  return { http, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

it("gives up on an authority that is silent, or sends its answer drop by drop", async () => {
  const silent = await connectTo(() => undefined, 300);
  await expect(silent.http.send(silent.url, "GET")).rejects.toThrow(/^127\.0\.0\.1:\d+: no answer within 0\.3 s$/);
  const dripping = await connectTo((response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write("."), 20);
    response.on("close", () => clearInterval(timer));
  }, 300);
  await expect(dripping.http.send(dripping.url, "GET")).rejects.toMatchObject({
    failure: "unreachable",
    message: expect.stringMatching(/no answer within/),
  });
});

it("gives up on one that takes the connection and speaks no TLS", async () => {
  const server = createTcpServer((socket) => socket.on("error", () => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => server.close());
  const http = new AcmeHttp([], "evenkeel/test", never, 300);
  atEnd(() => http.close());
  const sent = http.send(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`, "GET");
  await expect(sent).rejects.toThrow("no answer within 0.3 s");
});

it("notices an answer that breaks off", async () => {
  const { http, url } = await connectTo((response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => response.destroy());
  });
  await expect(http.send(url, "GET")).rejects.toMatchObject({ failure: "unreachable" });
});

it("ends at once, with the reason, when it is given up", async () => {
  const ending = new AbortController();
  const { http, url } = await connectTo(() => ending.abort(new Error("given up")), 30_000, ending.signal);
  await expect(http.send(url, "GET")).rejects.toThrow(/^given up$/);
  expect(http.ended).toBe(true);
  await expect(http.send(url, "GET")).rejects.toThrow(/^given up$/);
});

it("keeps an authority's words to one short line", () => {
  const error = failed("refused", `a\r\nb\u001b]0;c\u0007 ${"x".repeat(1000)}`);
  expect(error.message).toMatch(/^a b \]0;c {2}x+…$/);
  expect(error.message.length).toBeLessThanOrEqual(301);
});
