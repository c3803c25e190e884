import { LoadConnection } from "./load-connection.ts";
import { type LoadCommand, type LoadMethod, type LoadSample, type LoadSettings, loadMethods } from "./load-settings.ts";
import { monotonic } from "./monotonic.ts";

/* A steady mixed load as a process of its own; see mixed-load.ts. Samples go to the test a few times per second. */

const settings = JSON.parse(process.argv[2]) as LoadSettings;
const body = "x".repeat(settings.body);
const free: LoadConnection[] = [];
/** Requests that wait for a connection. */
const waiting: Pending[] = [];
/** Requests that wait for an answer, oldest first. */
const running = new Set<Pending>();
let samples: LoadSample[] = [];
let connections = 0;
let rate = settings.rate;
let begun = 0;
let stopping = false;
/** When the request number `base` was due, from which on the rate holds. */
let since = monotonic();
let base = 0;

interface Pending {
  readonly id: string;
  readonly method: LoadMethod;
  readonly path: string;
  readonly due: number;
  connection: LoadConnection | undefined;
}

/** Drawn, not in turn: a rotation over the servers would give each the same methods for ever. */
function nextMethod(): LoadMethod {
  let draw = Math.random();
  for (const method of loadMethods) {
    draw -= settings.mix[method];
    if (draw < 0) return method;
  }
  return "GET";
}

function connection(): LoadConnection | undefined {
  for (;;) {
    const last = free.pop();
    if (last === undefined) break;
    if (!last.closed) return last;
    connections--;
  }
  if (connections >= settings.connections) return undefined;
  connections++;
  return new LoadConnection(settings.port);
}

function send(request: Pending, over: LoadConnection): void {
  const { id, method, path } = request;
  request.connection = over;
  running.add(request);
  const head = `${method} ${path} HTTP/1.1\r\nHost: chaos.example\r\nX-Test-Id: ${id}\r\n`;
  const text = method === "GET" ? `${head}\r\n` : `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  over.send(text, (answer) => {
    running.delete(request);
    samples.push({ id, method, path, due: request.due, at: monotonic(), ...answer });
    if (over.closed) connections--;
    else free.push(over);
    const next = waiting[0];
    const connectionForIt = next === undefined ? undefined : connection();
    if (connectionForIt !== undefined) send(waiting.shift()!, connectionForIt);
  });
}

function turn(): void {
  const now = monotonic();
  const due = stopping ? begun : base + Math.floor(((now - since) / 1000) * rate);
  for (; begun < due; begun++) {
    const request: Pending = {
      id: settings.prefix + begun,
      method: nextMethod(),
      path: settings.paths[begun % settings.paths.length],
      due: since + ((begun - base) * 1000) / rate,
      connection: undefined,
    };
    const over = waiting.length === 0 ? connection() : undefined;
    if (over === undefined) waiting.push(request);
    else send(request, over);
  }
  for (const request of running) {
    if (now - request.due < settings.timeout) break;
    request.connection!.giveUp();
  }
  if (stopping && running.size === 0 && waiting.length === 0) {
    clearInterval(clock);
    report();
    process.disconnect();
    for (const idle of free) idle.close();
  }
}

function report(): void {
  if (samples.length === 0) return;
  process.send?.({ samples });
  samples = [];
}

process.on("message", (command: LoadCommand) => {
  if ("stop" in command) stopping = true;
  else {
    turn();
    base = begun;
    since = monotonic();
    rate = command.rate;
  }
});
process.on("disconnect", () => process.exit(0));
const clock = setInterval(turn, 1);
setInterval(report, 40);
