import {
  block,
  continuation,
  data,
  frame,
  get,
  headers,
  ok,
  ping,
  post,
  preface,
  priority,
  priorityUpdate,
  rst,
  settings,
  trailer,
  windowUpdate,
} from "../support/raw-frames.ts";
import { limits } from "../support/recorded-connection.ts";
import type { Case, Step } from "./case.ts";

const times = (count: number, step: (index: number) => Step | Step[]): Step[] =>
  Array.from({ length: count }, (_, index) => step(index)).flat();
const repeated = (count: number, line: string): string[] => Array.from({ length: count }, () => line);
const id = (index: number): number => 2 * index + 1;
const release =
  (stream: number): Step =>
  (recorded) => {
    recorded.stream(stream).release();
  };
const blocked: Step = (recorded) => {
  recorded.connection.blocked = true;
};
const unblocked: Step = (recorded) => {
  recorded.connection.blocked = false;
};
const forgets: Step = (recorded) => {
  recorded.events.length = 0;
};
const later: Step = (recorded) => {
  recorded.time += 10_000;
};
const calm = (last = 0): string[] => [`GOAWAY ${last} ENHANCE_YOUR_CALM`];
const resets = limits.maxResets;
const rapid = (index: number): Step[] => [
  headers(id(index), get, { end: true }),
  rst(id(index), 8),
  release(id(index)),
];
const provoked = (index: number): Step[] => [
  headers(id(index), get, { end: true }),
  windowUpdate(id(index), 0),
  release(id(index)),
];

const idle: [name: string, step: Step, last: number][] = [
  ["WINDOW_UPDATE", windowUpdate(0, 1), 0],
  ["PRIORITY", priority(1), 0],
  ["PRIORITY_UPDATE", priorityUpdate(1, "u=1"), 0],
  ["unknown ones", frame(0xee, 0, 0, "x"), 0],
  ["RST_STREAM of a closed stream", rst(1, 8), 1],
  ["WINDOW_UPDATE of a closed stream", windowUpdate(1, 1), 1],
];

/** What costs a server more than the peer (RFC 9113 10.5), and where it ends. */
export const abuse: Case[] = [
  {
    rfc: "10.5, CVE-2023-44487",
    name: "as many resets as are allowed",
    steps: [...times(resets, rapid), ping()],
    frames: ["PING ack"],
  },
  {
    rfc: "10.5, CVE-2023-44487",
    name: "one reset too many",
    steps: [...times(resets + 1, rapid), ping()],
    frames: calm(id(resets)),
  },
  {
    rfc: "10.5, CVE-2023-44487",
    name: "the name of the limit is told",
    steps: [...times(resets, rapid), headers(101, get), forgets, rst(101, 8)],
    frames: calm(101),
    events: ["101 reset CANCEL", "error ENHANCE_YOUR_CALM maxResets"],
  },
  {
    rfc: "10.5, CVE-2023-44487",
    name: "resets in the next 10 s",
    steps: [...times(resets, rapid), later, ...times(resets, (index) => rapid(index + 50))],
    frames: [],
  },
  {
    rfc: "8.1",
    name: "a reset behind a complete answer does not count",
    steps: times(2 * resets, (index) => [
      headers(id(index), post),
      (r) => r.head(r.stream(id(index)), ok, true),
      rst(id(index), 0),
      release(id(index)),
    ]),
    frames: Array.from({ length: 2 * resets }, (_, index) => `HEADERS ${id(index)} end`),
  },
  {
    rfc: "10.5, CVE-2025-8671",
    name: "resets that the peer provokes count",
    steps: times(resets + 1, provoked),
    frames: [
      ...Array.from({ length: resets + 1 }, (_, index) => `RST_STREAM ${id(index)} PROTOCOL_ERROR`),
      ...calm(id(resets)),
    ],
  },
  {
    rfc: "10.5, CVE-2025-8671",
    name: "provoked by overflowing windows",
    steps: times(resets + 1, (index) => [
      headers(id(index), get, { end: true }),
      windowUpdate(id(index), 0x7fffffff),
      release(id(index)),
    ]),
    frames: [
      ...Array.from({ length: resets + 1 }, (_, index) => `RST_STREAM ${id(index)} FLOW_CONTROL_ERROR`),
      ...calm(id(resets)),
    ],
  },
  {
    rfc: "10.5, CVE-2025-8671",
    name: "provoked by DATA behind the end",
    steps: times(resets + 1, (index) => [
      headers(id(index), get, { end: true }),
      data(id(index), "x"),
      release(id(index)),
    ]),
    frames: [
      ...Array.from({ length: resets + 1 }, (_, index) => `RST_STREAM ${id(index)} STREAM_CLOSED`),
      ...calm(id(resets)),
    ],
  },
  {
    rfc: "10.5, CVE-2025-8671",
    name: "provoked by streams beyond the limit",
    options: { maxConcurrentStreams: 1 },
    steps: [headers(1, post), ...times(resets + 1, (index) => headers(id(index + 1), get, { end: true }))],
    frames: [
      ...Array.from({ length: resets + 1 }, (_, index) => `RST_STREAM ${id(index + 1)} REFUSED_STREAM`),
      ...calm(id(resets + 1)),
    ],
  },
  {
    rfc: "10.5",
    name: "a user's own resets do not count unless it says so",
    steps: [
      ...times(2 * resets, (index) => [
        headers(id(index), get, { end: true }),
        (r) => r.stream(id(index)).reset(2),
        release(id(index)),
      ]),
      ping(),
    ],
    frames: [...Array.from({ length: 2 * resets }, (_, index) => `RST_STREAM ${id(index)} INTERNAL_ERROR`), "PING ack"],
  },
  {
    rfc: "10.5",
    name: "resets that a user says were provoked count",
    steps: times(resets + 1, (index) => [
      headers(id(index), get, { end: true }),
      (r) => r.stream(id(index)).reset(1, true),
      release(id(index)),
    ]),
    frames: [
      ...Array.from({ length: resets + 1 }, (_, index) => `RST_STREAM ${id(index)} PROTOCOL_ERROR`),
      ...calm(id(resets)),
    ],
  },
  {
    rfc: "10.5, CVE-2019-9512",
    name: "as many pings as are allowed",
    steps: times(limits.maxPings, () => ping()),
    frames: repeated(limits.maxPings, "PING ack"),
  },
  {
    rfc: "10.5, CVE-2019-9512",
    name: "one ping too many",
    steps: times(limits.maxPings + 1, () => ping()),
    frames: [...repeated(limits.maxPings, "PING ack"), ...calm()],
    events: ["error ENHANCE_YOUR_CALM maxPings"],
  },
  {
    rfc: "10.5, CVE-2019-9512",
    name: "acknowledgements of pings that were not sent count",
    steps: times(limits.maxPings + 1, () => ping("12345678", true)),
    frames: calm(),
  },
  {
    rfc: "10.5, CVE-2019-9515",
    name: "one SETTINGS too many",
    steps: times(limits.maxSettings, () => settings()),
    frames: [...repeated(limits.maxSettings - 1, "SETTINGS ack"), ...calm()],
  },
  {
    rfc: "10.5, CVE-2019-9518",
    name: "one empty DATA too many",
    steps: [headers(1, post), ...times(limits.maxEmptyFrames + 1, () => data(1, ""))],
    frames: calm(1),
  },
  {
    rfc: "10.5, CVE-2019-9518",
    name: "DATA of padding alone is empty",
    steps: [headers(1, post), forgets, ...times(limits.maxEmptyFrames + 1, () => data(1, "", { pad: 3 }))],
    frames: calm(1),
  },
  {
    rfc: "10.5, CVE-2019-9518",
    name: "empty DATA on closed streams counts",
    steps: [headers(1, post), rst(1, 8), forgets, ...times(limits.maxEmptyFrames + 1, () => data(1, ""))],
    frames: ["RST_STREAM 1 STREAM_CLOSED", ...calm(1)],
    events: ["error ENHANCE_YOUR_CALM maxEmptyFrames"],
  },
  {
    rfc: "10.5, CVE-2019-9518",
    name: "empty DATA that ends a stream does not count",
    steps: [
      ...times(2 * limits.maxEmptyFrames, (index) => [
        headers(id(index), post),
        data(id(index), "", { end: true }),
        (r) => r.head(r.stream(id(index)), ok, true),
        release(id(index)),
      ]),
    ],
    frames: Array.from({ length: 2 * limits.maxEmptyFrames }, (_, index) => `HEADERS ${id(index)} end`),
  },
  {
    rfc: "10.5, CVE-2024-27316",
    name: "as many CONTINUATION frames as are allowed",
    steps: [
      headers(1, block(get), { open: true, end: true }),
      ...times(limits.maxContinuations - 1, () => continuation(1, block(trailer), false)),
      continuation(1, ""),
    ],
    frames: [],
  },
  {
    rfc: "10.5, CVE-2024-27316",
    name: "one CONTINUATION too many",
    steps: [
      headers(1, block(get), { open: true }),
      ...times(limits.maxContinuations + 1, () => continuation(1, block(trailer), false)),
    ],
    frames: calm(),
    events: ["error ENHANCE_YOUR_CALM maxContinuations"],
  },
  {
    rfc: "10.5, CVE-2024-27316",
    name: "a header block that does not end",
    options: { limits: { ...limits, maxContinuations: 1000 } },
    steps: [headers(1, Buffer.alloc(16_000), { open: true }), continuation(1, Buffer.alloc(16_000), false)],
    frames: calm(),
    events: ["error ENHANCE_YOUR_CALM maxHeadSize"],
  },
  {
    rfc: "10.5, CVE-2019-9518",
    name: "header blocks begun with nothing",
    options: { limits: { ...limits, maxContinuations: 1000 } },
    steps: [
      headers(1, Buffer.alloc(0), { open: true }),
      ...times(limits.maxEmptyFrames, () => continuation(1, "", false)),
    ],
    frames: calm(),
    events: ["error ENHANCE_YOUR_CALM maxEmptyFrames"],
  },
  {
    rfc: "10.5",
    name: "a head that unpacks to much more than it is",
    steps: [
      headers(
        1,
        Buffer.concat([
          block(get),
          Buffer.from([0x40, 1, 97, 0x7f, 0xa1, 0x1e]),
          Buffer.alloc(4000, 98),
          Buffer.alloc(8000, 0xbe),
        ]),
        { end: true },
      ),
      ping(),
    ],
    frames: ["PING ack"],
    events: [
      `1 head overflow :method=GET :scheme=https :path=/ :authority=example.com a=${"b".repeat(4000)} a=${"b".repeat(4000)} end`.replace(
        ` a=${"b".repeat(4000)} end`,
        " end",
      ),
    ],
  },
  {
    rfc: "10.5, CVE-2019-9512",
    name: "replies that wait for a peer that does not read",
    options: { limits: { ...limits, maxPings: 1000 } },
    steps: [blocked, ...times(limits.maxQueuedReplies + 1, () => ping()), unblocked],
    frames: [...repeated(limits.maxQueuedReplies + 1, "PING ack"), ...calm()],
    events: ["error ENHANCE_YOUR_CALM maxQueuedReplies"],
  },
  {
    rfc: "10.5, CVE-2019-9514",
    name: "resets that wait for a peer that does not read",
    options: { limits: { ...limits, maxResets: 1000 } },
    steps: [blocked, ...times(limits.maxQueuedReplies + 1, provoked), unblocked],
    frames: [
      ...Array.from({ length: limits.maxQueuedReplies + 1 }, (_, index) => `RST_STREAM ${id(index)} PROTOCOL_ERROR`),
      ...calm(id(limits.maxQueuedReplies)),
    ],
  },
  {
    rfc: "10.5",
    name: "answers that wait for a peer that does not read: no new streams",
    options: { maxConcurrentStreams: 1000 },
    steps: [
      blocked,
      ...times(17, (index) => [
        headers(id(index), get, { end: true }),
        (r) => r.head(r.stream(id(index)), [...ok, ["a", "b".repeat(16_000)]], true),
      ]),
      headers(id(17), get, { end: true }),
      unblocked,
    ],
    frames: [...Array.from({ length: 17 }, (_, index) => `HEADERS ${id(index)} end`), "RST_STREAM 35 REFUSED_STREAM"],
  },
  {
    rfc: "5.5",
    name: "unknown frames are ignored",
    steps: times(limits.maxEmptyFrames, () => frame(0xee, 0, 0, "x")),
    frames: [],
  },
  ...idle.map(([name, step, last]): Case => ({
    rfc: "10.5",
    name: `too many frames that move nothing: ${name}`,
    steps: [...(last === 0 ? [] : [...rapid(0)]), ...times(limits.maxEmptyFrames + (last === 0 ? 1 : 5), () => step)],
    frames: calm(last),
  })),
  {
    rfc: "10.5, CVE-2019-9511",
    name: "window updates for each byte of an answer, one at a time",
    peerSettings: { 4: 0 },
    steps: [
      headers(1, get, { end: true }),
      (recorded) => {
        recorded.head(recorded.stream(1), ok, false);
        recorded.stream(1).sendData(Buffer.alloc(1000), true);
        for (let i = 0; i < limits.maxEmptyFrames + 4; i++) {
          recorded.feed(windowUpdate(1, 1));
          recorded.output();
        }
        recorded.events.length = 0;
      },
      windowUpdate(1, 1),
    ],
    frames: calm(1),
    events: ["1 reset ENHANCE_YOUR_CALM", "error ENHANCE_YOUR_CALM maxEmptyFrames"],
  },
  {
    rfc: "6.9",
    name: "three window updates for each frame of a long answer",
    steps: [
      headers(1, get, { end: true }),
      (recorded) => {
        recorded.head(recorded.stream(1), ok, false);
        recorded.stream(1).sendData(Buffer.alloc(1_000_000), true);
        recorded.output();
        for (let i = 0; i < 56; i++) {
          recorded.feed(windowUpdate(0, 16_384), windowUpdate(1, 16_000), windowUpdate(1, 384));
          recorded.output();
        }
      },
      windowUpdate(0, 65_535),
      windowUpdate(1, 65_535),
    ],
    frames: ["DATA 1 16384", "DATA 1 577 end"],
  },
  {
    rfc: "6.5.3",
    name: "streams that are refused to a client that never acknowledges settings",
    options: { maxConcurrentStreams: 1 },
    bare: true,
    steps: [
      preface,
      settings(),
      (recorded) => {
        for (let i = 0; i < 1 + 1000 + resets; i++) {
          recorded.feed(headers(id(i), get));
          recorded.output();
        }
        recorded.events.length = 0;
      },
      headers(id(1001 + resets), get),
    ],
    frames: [`RST_STREAM ${id(1001 + resets)} REFUSED_STREAM`, ...calm(id(1001 + resets))],
    events: ["1 reset ENHANCE_YOUR_CALM", "error ENHANCE_YOUR_CALM maxResets"],
  },
];
