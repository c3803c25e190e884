import type { FastifyReply } from "fastify";
import { isHealthEvent, type EventLog, type NodeEvent } from "../health/event-log.ts";
import { MAX_WAITING_BYTES } from "../health/limits.ts";
import { eventView } from "./event-view.ts";

/** A comment so often, in ms: proxies on the way close connections that are silent, and a reader that is gone shows. */
const HEARTBEAT = 15_000;

/**
 * Answers with server-sent events: what is kept after the event of number `since`, then each new one. A reader that does
 * not read fast enough is cut off; it comes back by itself and tells the last number that it saw.
 *
 * @param ended called once, when the stream is over
 */
export function streamEvents(
  reply: FastifyReply,
  events: EventLog,
  since: number,
  wanted: (event: NodeEvent) => boolean,
  ended: () => void,
): void {
  reply.hijack();
  const { raw } = reply;
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" });
  // A number that this node never gave belongs to the process before it, whose events are gone.
  const first = since > events.lastId ? 0 : since;
  raw.write(`retry: 1000\n\n${events.since(first).filter(wanted).map(frame).join("")}`);

  const unsubscribe = events.subscribe((event) => {
    if (wanted(event)) send(frame(event));
  });
  const heartbeat = setInterval(() => send(": still here\n\n"), HEARTBEAT);
  heartbeat.unref();
  raw.once("close", () => {
    unsubscribe();
    clearInterval(heartbeat);
    ended();
  });
  raw.on("error", () => raw.destroy());

  function send(text: string): void {
    raw.write(text);
    if (raw.writableLength > MAX_WAITING_BYTES) raw.destroy();
  }
}

function frame(event: NodeEvent): string {
  const type = isHealthEvent(event) ? "health" : "certificate";
  return `id: ${event.id}\nevent: ${type}\ndata: ${JSON.stringify(eventView(event))}\n\n`;
}
