import { openSync, writeSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { journalLine, type JournalKind } from "./journal.ts";
import { monotonic } from "./monotonic.ts";
import type { OriginCommand, OriginSettings, OriginStart } from "./origin-settings.ts";
import { RequestReader, type ReadRequest } from "./request-reader.ts";

/* An origin as a process of its own, whose behaviour is switched through the IPC channel. See chaos-origin.ts. */

const start = JSON.parse(process.argv[2]) as OriginStart;
const journal = openSync(start.journal, "a");
let settings: OriginSettings = start.settings;
/** The mode that holds at the moment: that of the settings, or `normal` while they take turns. */
let mode = settings.mode;
let turns: NodeJS.Timeout | undefined;
let working = 0;
const waiting: (() => void)[] = [];
const sockets = new Set<Socket>();
const garbage = Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 167 + 13) & 0xff));

function note(kind: JournalKind, { id, method }: ReadRequest): void {
  if (id !== "-") writeSync(journal, journalLine(kind, id, method, monotonic()));
}

function answerTime(): number {
  const { latency, spread, slowFactor, slowShare } = settings;
  const time = latency * (1 + spread * (2 * Math.random() - 1));
  return Math.random() < slowShare ? time * slowFactor : time;
}

/** Calls `work` when one of the origin's workers is free. */
function enter(work: () => void): void {
  if (settings.workers > 0 && working >= settings.workers) waiting.push(work);
  else {
    working++;
    work();
  }
}

function leave(): void {
  working--;
  if (settings.workers > 0 && working >= settings.workers) return;
  const next = waiting.shift();
  if (next === undefined) return;
  working++;
  next();
}

function serve(socket: Socket): void {
  sockets.add(socket);
  socket.setNoDelay(true);
  let current: ReadRequest | undefined;
  const begun = (request: ReadRequest): void => {
    current = request;
    note("B", request);
  };
  const finish = (): void => {
    if (current !== undefined) note("F", current);
    current = undefined;
  };
  const respond = (status: number): void => {
    if (socket.destroyed) return;
    const body = `${start.name} ${status}\n`;
    finish();
    socket.write(
      `HTTP/1.1 ${status} ${status === 200 ? "OK" : "Internal Server Error"}\r\nX-Server: ${start.name}\r\n` +
        `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    reader.next();
  };
  const reader = new RequestReader(begun, () => {
    if (mode === "garbage") return void socket.end(garbage, finish);
    if (mode === "failing") return respond(500);
    enter(() => {
      setTimeout(() => {
        leave();
        respond(200);
      }, answerTime());
    });
  });
  socket.on("data", (data) => reader.push(data));
  socket.on("error", () => undefined);
  socket.on("close", () => {
    sockets.delete(socket);
    if (current !== undefined) note("C", current);
    current = undefined;
  });
  if (mode === "resetting") socket.resetAndDestroy();
}

let server: Server | undefined;
let port = start.port;

function listen(): Promise<void> {
  return new Promise((resolve, reject) => {
    const fresh = createServer(serve);
    server = fresh;
    fresh.once("error", reject);
    fresh.listen({ host: start.host, port, backlog: 1024 }, () => {
      port = (fresh.address() as { port: number }).port;
      resolve();
    });
  });
}

/** Makes `wanted` the mode that holds. */
async function become(wanted: OriginSettings["mode"]): Promise<void> {
  mode = wanted;
  if (mode === "resetting" || mode === "closed") for (const socket of sockets) socket.resetAndDestroy();
  if (mode === "closed") {
    server?.close();
    server = undefined;
  } else if (server === undefined) await listen();
}

async function take(fresh: OriginSettings): Promise<void> {
  clearInterval(turns);
  settings = fresh;
  if (fresh.alternate > 0) {
    turns = setInterval(() => void become(mode === "normal" ? settings.mode : "normal"), fresh.alternate);
  }
  await become(fresh.mode);
}

process.on("message", (command: OriginCommand) => {
  void take(command.settings).then(() => process.send?.({ done: command.sequence }));
});
process.on("disconnect", () => process.exit(0));
await take(settings);
if (server === undefined) throw new Error("an origin has to listen first");
process.send?.({ port });
