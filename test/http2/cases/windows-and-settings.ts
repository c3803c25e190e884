import {
  data,
  frame,
  get,
  headers,
  ok,
  post,
  preface,
  priorityUpdate,
  settings,
  settingsAck,
  uint32,
  windowUpdate,
} from "../support/raw-frames.ts";
import { goneAway, type Case, type Step } from "./case.ts";

const getHead = "head :method=GET :scheme=https :path=/ :authority=example.com end";
const postHead = "head :method=POST :scheme=https :path=/ :authority=example.com";

/** A head, and a body of that many bytes with the end. */
const answer =
  (id: number, bytes: number): Step =>
  (recorded) => {
    recorded.head(recorded.stream(id), ok, false);
    recorded.stream(id).sendData(Buffer.alloc(bytes), true);
  };
const keeps: Step = (recorded) => {
  for (const user of recorded.users.values()) user.consumes = false;
};
const WINDOW = 4;
const full = 65_535;

/** Flow control and settings, in the server role. */
export const windowsAndSettings: Case[] = [
  {
    rfc: "6.9",
    name: "WINDOW_UPDATE by nothing on the connection",
    steps: [windowUpdate(0, 0)],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "6.9",
    name: "WINDOW_UPDATE by nothing on a stream",
    steps: [headers(1, post), windowUpdate(1, 0)],
    frames: ["RST_STREAM 1 PROTOCOL_ERROR"],
    events: [`1 ${postHead}`, "1 reset PROTOCOL_ERROR"],
  },
  {
    rfc: "6.9",
    name: "WINDOW_UPDATE by nothing on a closed stream",
    steps: [headers(1, post), (r) => r.stream(1).reset(8), windowUpdate(1, 0)],
    frames: ["RST_STREAM 1 CANCEL"],
  },
  {
    rfc: "6.9.1",
    name: "the connection's window exceeds 2^31-1",
    steps: [windowUpdate(0, 0x7fffffff)],
    frames: goneAway("FLOW_CONTROL_ERROR"),
  },
  {
    rfc: "6.9.1",
    name: "the connection's window may be 2^31-1",
    steps: [windowUpdate(0, 0x7fffffff - full)],
    frames: [],
  },
  {
    rfc: "6.9.1",
    name: "a stream's window exceeds 2^31-1",
    steps: [headers(1, post), windowUpdate(1, 0x7fffffff)],
    frames: ["RST_STREAM 1 FLOW_CONTROL_ERROR"],
    events: [`1 ${postHead}`, "1 reset FLOW_CONTROL_ERROR"],
  },
  {
    rfc: "6.9.1",
    name: "DATA beyond a stream's window",
    options: { streamWindow: 20, connectionWindow: full },
    steps: [headers(1, post), keeps, data(1, "x".repeat(20)), data(1, "y")],
    frames: ["RST_STREAM 1 FLOW_CONTROL_ERROR"],
    events: [`1 ${postHead}`, "1 data 20", "1 reset FLOW_CONTROL_ERROR"],
  },
  {
    rfc: "6.9.1",
    name: "padding counts against the stream's window",
    options: { streamWindow: 20 },
    steps: [headers(1, post), data(1, "xyz", { pad: 17 })],
    frames: ["RST_STREAM 1 FLOW_CONTROL_ERROR"],
  },
  {
    rfc: "6.9.1",
    name: "DATA beyond the connection's window",
    options: { streamWindow: 200_000 },
    steps: [headers(1, post), keeps, ...Array.from({ length: 4 }, () => data(1, Buffer.alloc(16_384)))],
    frames: goneAway("FLOW_CONTROL_ERROR", 1),
  },
  {
    rfc: "6.9.1",
    name: "DATA as long as the connection's window",
    options: { streamWindow: 200_000 },
    steps: [
      headers(1, post),
      keeps,
      ...Array.from({ length: 3 }, () => data(1, Buffer.alloc(16_384))),
      data(1, Buffer.alloc(16_383)),
    ],
    frames: [],
  },
  {
    rfc: "6.9",
    name: "consumed DATA is credited when half of the window is used up",
    steps: [headers(1, post), data(1, Buffer.alloc(16_384)), data(1, Buffer.alloc(16_384))],
    frames: ["WINDOW_UPDATE 1 32768", "WINDOW_UPDATE 0 32768"],
  },
  {
    rfc: "6.9",
    name: "padding is credited, too",
    steps: [headers(1, post), keeps, ...Array.from({ length: 128 }, () => data(1, "x", { pad: 255 }))],
    frames: ["WINDOW_UPDATE 1 32768", "WINDOW_UPDATE 0 32768"],
  },
  {
    rfc: "6.9",
    name: "DATA on a stream that was reset is credited to the connection",
    steps: [
      headers(1, post),
      (r) => r.stream(1).reset(8),
      data(1, Buffer.alloc(16_384)),
      data(1, Buffer.alloc(16_384)),
    ],
    frames: ["RST_STREAM 1 CANCEL", "WINDOW_UPDATE 0 32768"],
  },
  {
    rfc: "6.9",
    name: "what a reset stream's user has not consumed is credited",
    steps: [
      headers(1, post),
      keeps,
      data(1, Buffer.alloc(16_384)),
      data(1, Buffer.alloc(16_384)),
      (r) => r.stream(1).reset(8),
    ],
    frames: ["WINDOW_UPDATE 0 32768", "RST_STREAM 1 CANCEL"],
  },
  {
    rfc: "6.9",
    name: "an ended stream's window is not credited",
    steps: [
      headers(1, post),
      data(1, Buffer.alloc(16_384)),
      keeps,
      data(1, Buffer.alloc(16_384), { end: true }),
      (r) => r.stream(1).consumed(16_384),
    ],
    frames: ["WINDOW_UPDATE 0 32768"],
  },
  {
    rfc: "6.9.2",
    name: "nothing but the head goes out with an initial window of 0",
    peerSettings: { [WINDOW]: 0 },
    steps: [headers(1, get, { end: true }), answer(1, 10)],
    frames: ["HEADERS 1"],
  },
  {
    rfc: "6.9.1",
    name: "an empty DATA frame needs no window",
    peerSettings: { [WINDOW]: 0 },
    steps: [headers(1, get, { end: true }), answer(1, 0)],
    frames: ["HEADERS 1", "DATA 1 0 end"],
  },
  {
    rfc: "6.9.2",
    name: "a larger initial window lets streams go on that are open",
    peerSettings: { [WINDOW]: 0 },
    steps: [headers(1, get, { end: true }), answer(1, 10), settings({ [WINDOW]: 4 }), windowUpdate(1, 6)],
    frames: ["HEADERS 1", "SETTINGS ack", "DATA 1 10 end"],
  },
  {
    rfc: "6.9.2",
    name: "a smaller initial window makes windows negative",
    peerSettings: { [WINDOW]: 10 },
    steps: [
      headers(1, get, { end: true }),
      answer(1, 20),
      (r) => r.frames().forEach((line) => r.note(line)),
      settings({ [WINDOW]: 3 }),
      windowUpdate(1, 7),
      (r) => r.frames().forEach((line) => r.note(line)),
      windowUpdate(1, 1),
    ],
    frames: ["DATA 1 1"],
    events: [`1 ${getHead}`, "HEADERS 1", "DATA 1 10", "settings", "SETTINGS ack"],
  },
  {
    rfc: "6.9.2",
    name: "a larger initial window makes a stream's window exceed 2^31-1",
    steps: [headers(1, post), windowUpdate(1, 0x7fffffff - full), settings({ [WINDOW]: full + 1 })],
    frames: goneAway("FLOW_CONTROL_ERROR", 1),
  },
  {
    rfc: "6.9.2",
    name: "SETTINGS does not change the connection's window",
    peerSettings: { [WINDOW]: 200_000 },
    steps: [headers(1, get, { end: true }), answer(1, 70_000)],
    frames: ["HEADERS 1", "DATA 1 16384", "DATA 1 16384", "DATA 1 16384", "DATA 1 16383"],
  },
  {
    rfc: "6.9.1",
    name: "all streams share the connection's window",
    steps: [
      headers(1, get, { end: true }),
      headers(3, get, { end: true }),
      answer(1, full),
      answer(3, 1),
      windowUpdate(0, 1),
    ],
    frames: [
      "HEADERS 1",
      "DATA 1 16384",
      "DATA 1 16384",
      "DATA 1 16384",
      "DATA 1 16383 end",
      "HEADERS 3",
      "DATA 3 1 end",
    ],
  },
  {
    rfc: "6.9.2",
    name: "before our smaller window is acknowledged, the initial one holds",
    bare: true,
    options: { streamWindow: 10 },
    steps: [preface, settings(), headers(1, post), data(1, Buffer.alloc(16_384), { end: true })],
    frames: ["SETTINGS", "SETTINGS ack"],
  },
  {
    rfc: "6.9.2",
    name: "what was consumed of the initial window is credited once the smaller one is acknowledged",
    bare: true,
    options: { streamWindow: 10 },
    steps: [preface, settings(), headers(1, post), data(1, "x".repeat(100)), settingsAck],
    frames: ["SETTINGS", "SETTINGS ack", "WINDOW_UPDATE 1 100"],
  },
  {
    rfc: "6.9.2",
    name: "once it is acknowledged, the smaller one holds for streams that were open",
    bare: true,
    options: { streamWindow: 10 },
    steps: [preface, settings(), headers(1, post), settingsAck, data(1, Buffer.alloc(11))],
    frames: ["SETTINGS", "SETTINGS ack", "RST_STREAM 1 FLOW_CONTROL_ERROR"],
  },
  { rfc: "6.5", name: "SETTINGS on a stream", steps: [frame(4, 0, 1)], frames: goneAway("PROTOCOL_ERROR") },
  {
    rfc: "6.5",
    name: "SETTINGS of 5 bytes",
    steps: [frame(4, 0, 0, [0, 1, 0, 0, 0])],
    frames: goneAway("FRAME_SIZE_ERROR"),
  },
  {
    rfc: "6.5",
    name: "an acknowledgement with a payload",
    steps: [frame(4, 1, 0, [0, 1, 0, 0, 0, 0])],
    frames: goneAway("FRAME_SIZE_ERROR"),
  },
  { rfc: "6.5.3", name: "an acknowledgement of nothing", steps: [settingsAck], frames: goneAway("PROTOCOL_ERROR") },
  { rfc: "6.5.2", name: "ENABLE_PUSH of 2", steps: [settings({ 2: 2 })], frames: goneAway("PROTOCOL_ERROR") },
  { rfc: "6.5.2", name: "ENABLE_PUSH of a client", steps: [settings({ 2: 1 })], frames: ["SETTINGS ack"] },
  {
    rfc: "6.5.2",
    name: "INITIAL_WINDOW_SIZE of 2^31",
    steps: [settings({ [WINDOW]: 0x80000000 })],
    frames: goneAway("FLOW_CONTROL_ERROR"),
  },
  {
    rfc: "6.5.2",
    name: "MAX_FRAME_SIZE of 16383",
    steps: [settings({ 5: 16_383 })],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "6.5.2",
    name: "MAX_FRAME_SIZE of 2^24",
    steps: [settings({ 5: 16_777_216 })],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  { rfc: "6.5.2", name: "MAX_FRAME_SIZE of 2^24-1", steps: [settings({ 5: 16_777_215 })], frames: ["SETTINGS ack"] },
  { rfc: "6.5.2", name: "settings that are not known", steps: [settings({ 77: 1, 6: 100 })], frames: ["SETTINGS ack"] },
  {
    rfc: "6.5.3",
    name: "the last of several values holds",
    steps: [
      settings({ 1: 0 }),
      headers(1, get, { end: true }),
      frame(4, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(0), Buffer.from([0, 4]), uint32(5)])),
      answer(1, 5),
    ],
    frames: ["SETTINGS ack", "SETTINGS ack", "HEADERS 1", "DATA 1 5 end"],
  },
  {
    rfc: "RFC 8441 3",
    name: "ENABLE_CONNECT_PROTOCOL of 2",
    steps: [settings({ 8: 2 })],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "RFC 8441 3",
    name: "ENABLE_CONNECT_PROTOCOL is taken back",
    steps: [settings({ 8: 1 }), settings({ 8: 0 })],
    frames: ["SETTINGS ack", ...goneAway("PROTOCOL_ERROR")],
  },
  {
    rfc: "RFC 9218 2.1",
    name: "NO_RFC7540_PRIORITIES of 2",
    steps: [settings({ 9: 2 })],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "RFC 9218 2.1",
    name: "NO_RFC7540_PRIORITIES comes later than the first SETTINGS",
    steps: [settings({ 9: 1 })],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "RFC 9218 7.1",
    name: "PRIORITY_UPDATE on a stream",
    steps: [frame(16, 0, 1, [0, 0, 0, 1])],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "RFC 9218 7.1",
    name: "PRIORITY_UPDATE of 3 bytes",
    steps: [frame(16, 0, 0, [0, 0, 1])],
    frames: goneAway("FRAME_SIZE_ERROR"),
  },
  {
    rfc: "RFC 9218 7.1",
    name: "PRIORITY_UPDATE for no stream",
    steps: [priorityUpdate(0, "u=1")],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "RFC 9218 7.1",
    name: "PRIORITY_UPDATE for a push",
    steps: [priorityUpdate(2, "u=1")],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "RFC 9218 7.1",
    name: "PRIORITY_UPDATE for more idle streams than there may be",
    options: { maxConcurrentStreams: 2 },
    steps: [priorityUpdate(1, "u=1"), priorityUpdate(3, "u=1"), priorityUpdate(5, "u=1")],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "RFC 9218 7.1",
    name: "PRIORITY_UPDATE that is malformed",
    steps: [priorityUpdate(1, "u=99, ((")],
    frames: [],
  },
  {
    rfc: "RFC 9218 7.1",
    name: "PRIORITY_UPDATE for a closed stream",
    steps: [headers(1, get, { end: true }), answer(1, 0), priorityUpdate(1, "u=1")],
    frames: ["HEADERS 1", "DATA 1 0 end"],
  },
  {
    rfc: "RFC 9218 10",
    name: "the more urgent stream goes first",
    steps: [
      priorityUpdate(3, "u=1"),
      headers(1, get, { end: true }),
      headers(3, get, { end: true }),
      (r) => {
        r.connection.blocked = true;
      },
      answer(1, 10),
      answer(3, 10),
      (r) => {
        r.connection.blocked = false;
      },
    ],
    frames: ["HEADERS 1", "HEADERS 3", "DATA 3 10 end", "DATA 1 10 end"],
  },
];
