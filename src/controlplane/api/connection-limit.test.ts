import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { limitConnections } from "./connection-limit.ts";

let server: Server;
const sockets: Client[] = [];
afterEach(() => {
  for (const { socket } of sockets.splice(0)) socket.destroy();
  server.close();
});

interface Client {
  readonly socket: Socket;
  text: string;
  closed: boolean;
}

/** Answers /now at once and nothing else. */
async function start(most: number): Promise<void> {
  server = createServer((request, response) => {
    if (request.url === "/now") response.end("now");
  });
  limitConnections(server, most);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
}

async function client(text = ""): Promise<Client> {
  const opened = vi.fn<() => void>();
  server.once("connection", opened);
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const view: Client = { socket, text: "", closed: false };
  sockets.push(view);
  socket.on("error", () => undefined);
  socket.on("data", (data) => (view.text += data.toString()));
  socket.on("close", () => (view.closed = true));
  socket.write(text);
  await vi.waitFor(() => expect(opened).toHaveBeenCalled());
  return view;
}

const closed = () => sockets.map((view) => view.closed);
const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

it("closes the one that has waited longest when there is one too many", async () => {
  await start(3);
  await client("GET /half");
  await client();
  await client();
  await client(request("/now"));
  await vi.waitFor(() => expect(sockets[3]!.text).toContain("200 OK"));
  expect(closed()).toEqual([true, false, false, false]);
  // It has just been answered, so it waits for less long than the others.
  await client();
  await client();
  await vi.waitFor(() => expect(closed()).toEqual([true, true, true, false, false, false]));
});

it("leaves those alone whose request is being answered: then the new one goes", async () => {
  await start(2);
  const working = vi.fn<() => void>();
  server.on("request", working);
  await client(request("/never"));
  await client(request("/never"));
  await vi.waitFor(() => expect(working).toHaveBeenCalledTimes(2));
  await client(request("/now"));
  await vi.waitFor(() => expect(closed()).toEqual([false, false, true]));
});
