import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A running sample server. */
export interface Origin {
  readonly name: string;
  readonly port: number;
  close(): void;
}

/**
 * Starts a sample server on 127.0.0.1. It answers every request with JSON that says which server it is and what it
 * got; `?delay=MS` lets it take its time.
 *
 * @param port 0 takes a free one
 */
export async function startOrigin(name: string, port: number): Promise<Origin> {
  const server: Server = createServer((request, response) => {
    request.resume();
    const url = new URL(request.url ?? "/", "http://localhost");
    const answer = { server: name, method: request.method, path: url.pathname, headers: request.headers };
    const send = () => {
      response.setHeader("content-type", "application/json");
      response.end(`${JSON.stringify(answer)}\n`);
    };
    const delay = Math.min(Number(url.searchParams.get("delay") ?? 0), 10_000);
    if (delay > 0) setTimeout(send, delay);
    else send();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    name,
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
