import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium } from "playwright-core";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { atEnd } from "../support/cleanup.ts";
import { digest, payloadHash } from "../support/payload.ts";
import { startProxy } from "../support/proxy.ts";
import { findTool, missing } from "../support/tools.ts";

const PAGE = `<!doctype html><meta charset="utf-8"><title>behind the balancer</title>
<link rel="stylesheet" href="/style.css"><img src="/pixel.svg" alt=""><p id="text">hello</p>`;

/** A small site: a page with a style sheet and a picture, JSON, an upload that answers with its checksum, a socket, events. */
async function startSite(): Promise<string> {
  const server = createServer((request, response) => {
    const answer = (type: string, body: string) => response.setHeader("Content-Type", type).end(body);
    switch (request.url?.split("?", 1)[0]) {
      case "/":
        return answer("text/html", PAGE);
      case "/style.css":
        return answer("text/css", "#text { color: rgb(1, 2, 3); }");
      case "/pixel.svg":
        return answer("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"/>`);
      case "/json":
        return answer(
          "application/json",
          JSON.stringify({ host: request.headers.host, forwarded: request.headers["x-forwarded-for"] }),
        );
      case "/events":
        response.setHeader("Content-Type", "text/event-stream");
        return response.end("data: one\n\ndata: two\n\n");
      case "/upload":
        void digest(request).then((result) => answer("application/json", JSON.stringify(result)));
        return undefined;
      default:
        return response.writeHead(404).end();
    }
  });
  new WebSocketServer({ server }).on("connection", (socket) =>
    socket.on("message", (data) => socket.send(`echo ${String(data)}`)),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.skipIf(missing("chromium", "a browser through the proxy"))("a browser", () => {
  it("loads a page, fetches, uploads and talks over a WebSocket", { timeout: 60_000 }, async () => {
    const evenkeel = await startProxy([await startSite()], { workers: 2 });
    const browser = await chromium.launch({ executablePath: findTool("chromium")!, args: ["--no-sandbox"] });
    atEnd(() => browser.close());
    const page = await browser.newPage();
    const failures: string[] = [];
    page.on("requestfailed", (request) => failures.push(request.url()));
    page.on("response", (response) => {
      if (response.status() >= 400 && !response.url().endsWith("/favicon.ico"))
        failures.push(`${response.status()} ${response.url()}`);
    });
    await page.goto(evenkeel.url(), { waitUntil: "load" });
    expect(await page.title()).toBe("behind the balancer");

    // What runs inside of the page is given as text, for it has no types here.
    expect(await page.evaluate(`getComputedStyle(document.getElementById("text")).color`)).toBe("rgb(1, 2, 3)");
    expect(await page.evaluate(`document.images[0].naturalWidth`)).toBe(7);
    expect(await page.evaluate(`fetch("/json").then((response) => response.json())`)).toEqual({
      host: new URL(evenkeel.url()).host,
      forwarded: "127.0.0.1",
    });
    const many = `Promise.all(Array.from({ length: 60 }, (_, i) => fetch("/json?" + i).then((response) => response.status)))`;
    expect(new Set((await page.evaluate(many)) as number[])).toEqual(new Set([200]));

    const upload = `(async () => {
      const block = 65536, size = 5000001, bytes = new Uint8Array(size);
      for (let i = 0; i < size; i++) bytes[i] = (Math.imul(i % block, 2654435761) >>> 13) & 0xff;
      const view = new DataView(bytes.buffer);
      for (let at = 0, n = 0; at < size; at += block, n++) if (at + 4 <= size) view.setUint32(at, n);
      return (await fetch("/upload", { method: "POST", body: bytes })).json();
    })()`;
    expect(await page.evaluate(upload)).toEqual({ length: 5_000_001, sha256: payloadHash(5_000_001) });

    const socket = `new Promise((resolve, reject) => {
      const socket = new WebSocket(location.origin.replace("http", "ws") + "/socket");
      socket.onopen = () => socket.send("hello");
      socket.onmessage = ({ data }) => { resolve(data); socket.close(); };
      socket.onerror = () => reject(new Error("no WebSocket"));
    })`;
    expect(await page.evaluate(socket)).toBe("echo hello");

    const events = `new Promise((resolve) => {
      const seen = [], source = new EventSource("/events");
      source.onmessage = ({ data }) => { seen.push(data); if (seen.length === 2) { source.close(); resolve(seen); } };
    })`;
    expect(await page.evaluate(events)).toEqual(["one", "two"]);
    expect(failures).toEqual([]);
  });
});
