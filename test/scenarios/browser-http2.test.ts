import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium, type Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { certificateFiles, TestAuthority } from "../support/certificates.ts";
import { atEnd } from "../support/cleanup.ts";
import { digest, payloadHash } from "../support/payload.ts";
import { startProxy, waitForQuiet } from "../support/proxy.ts";
import { findTool, missing } from "../support/tools.ts";

const PAGE = `<!doctype html><meta charset="utf-8"><title>over HTTP/2</title>
${Array.from({ length: 100 }, (_, i) => `<img src="/pixel/${i}.svg" alt="">`).join("\n")}`;

/** Pieces of the answer below /stream: the first at once, the others when the test says. */
const PIECES = 20;

/** A site: a page with a hundred pictures, an upload that answers with its checksum, an answer in pieces, a WebSocket. */
async function startSite(): Promise<{ address: string; sent: () => number; goOn: () => void }> {
  let sent = 0;
  const { promise: going, resolve: goOn } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const answer = (type: string, body: string) => response.setHeader("Content-Type", type).end(body);
    const path = request.url ?? "/";
    if (path === "/") return answer("text/html", PAGE);
    if (path.startsWith("/pixel/"))
      return answer("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"/>`);
    if (path === "/upload") {
      void digest(request).then((result) => answer("application/json", JSON.stringify(result)));
      return undefined;
    }
    if (path === "/stream") {
      const rest = async () => {
        response.write("piece 0\n");
        sent++;
        await going;
        for (; sent < PIECES; sent++) response.write(`piece ${sent}\n`);
        response.end();
      };
      void rest();
      return undefined;
    }
    return response.writeHead(404).end();
  });
  new WebSocketServer({ server }).on("connection", (socket) =>
    socket.on("message", (data) => socket.send(`echo ${String(data)}`)),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sent: () => sent, goOn };
}

/** Protocols of everything that the page has fetched, as the browser tells them. */
const protocols = (page: Page) =>
  page.evaluate(
    `[...new Set([...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((entry) => entry.nextHopProtocol))]`,
  );

describe.skipIf(missing("chromium", "a browser over HTTP/2"))("a browser over HTTP/2", () => {
  it("loads a page with a hundred pictures, uploads, streams, and has a WebSocket", { timeout: 60_000 }, async () => {
    const authority = await TestAuthority.create();
    const { cert, key } = certificateFiles(await authority.issue({ names: ["localhost", "127.0.0.1"] }));
    const site = await startSite();
    const evenkeel = await startProxy([site.address], {
      listener: { tls: { certificates: [{ cert, key }] } },
      workers: 2,
    });
    const browser = await chromium.launch({ executablePath: findTool("chromium")!, args: ["--no-sandbox"] });
    atEnd(() => browser.close());
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    const failures: string[] = [];
    page.on("requestfailed", (request) => failures.push(request.url()));
    page.on("response", (response) => {
      if (response.status() >= 400 && !response.url().endsWith("/favicon.ico"))
        failures.push(`${response.status()} ${response.url()}`);
    });
    await page.goto(`https://localhost:${evenkeel.port()}/`, { waitUntil: "load" });
    expect(await page.title()).toBe("over HTTP/2");

    // What runs inside of the page is given as text, for it has no types here.
    expect(await page.evaluate(`[...document.images].filter((image) => image.naturalWidth === 7).length`)).toBe(100);
    expect(await protocols(page)).toEqual(["h2"]);

    const upload = `(async () => {
      const block = 65536, size = 5000001, bytes = new Uint8Array(size);
      for (let i = 0; i < size; i++) bytes[i] = (Math.imul(i % block, 2654435761) >>> 13) & 0xff;
      const view = new DataView(bytes.buffer);
      for (let at = 0, n = 0; at < size; at += block, n++) if (at + 4 <= size) view.setUint32(at, n);
      return (await fetch("/upload", { method: "POST", body: bytes })).json();
    })()`;
    expect(await page.evaluate(upload)).toEqual({ length: 5_000_001, sha256: payloadHash(5_000_001) });

    // A body of unknown length, which browsers send over HTTP/2 only.
    const streamedUpload = `(async () => {
      let i = 0;
      const body = new ReadableStream({ pull(controller) {
        if (i === 50) controller.close();
        else controller.enqueue(new TextEncoder().encode("piece " + i++));
      } });
      return (await fetch("/upload", { method: "POST", body, duplex: "half" })).json();
    })()`;
    expect(await page.evaluate(streamedUpload)).toMatchObject({ length: 10 * 7 + 40 * 8 });

    await page.evaluate(`(async () => {
      const reader = (await fetch("/stream")).body.pipeThrough(new TextDecoderStream()).getReader();
      window.text = (await reader.read()).value;
      window.first = window.text;
      window.all = (async () => {
        for (let next = await reader.read(); !next.done; next = await reader.read()) window.text += next.value;
        return window.text;
      })();
    })()`);
    // The first piece was there while the others were not sent yet.
    expect([await page.evaluate(`window.first`), site.sent()]).toEqual(["piece 0\n", 1]);
    site.goOn();
    const all = Array.from({ length: PIECES }, (_, i) => `piece ${i}\n`).join("");
    expect(await page.evaluate(`window.all`)).toBe(all);
    expect(await protocols(page)).toEqual(["h2"]);

    const handshakes = async () => {
      const metrics = await (await fetch(`${evenkeel.url("admin")}/metrics`)).text();
      const lines = metrics.matchAll(
        /^evenkeel_tls_handshakes_total\{listener="web",result="(?:full|resumed)"\} (\d+)$/gm,
      );
      return [...lines].map(([, count]) => Number(count));
    };
    const before = await handshakes();
    expect(before).toHaveLength(2);
    const socket = `new Promise((resolve, reject) => {
      const socket = new WebSocket(location.origin.replace("http", "ws") + "/socket");
      socket.onopen = () => socket.send("hello");
      socket.onmessage = ({ data }) => { resolve(data); socket.close(); };
      socket.onerror = () => reject(new Error("no WebSocket"));
    })`;
    expect(await page.evaluate(socket)).toBe("echo hello");
    // It was a stream of the connection that was there (RFC 8441).
    expect(await handshakes()).toEqual(before);
    expect(failures).toEqual([]);
    await browser.close();
    await waitForQuiet(evenkeel);
  });
});
