import {
  block,
  data,
  frame,
  get,
  goAway,
  headers,
  ok,
  ping,
  post,
  preface,
  priorityUpdate,
  rst,
  settings,
  settingsAck,
  trailer,
  uint32,
  windowUpdate,
} from "../support/raw-frames.ts";
import { goneAway, type Case, type Step } from "./case.ts";

const ask: Step = (recorded) => {
  recorded.request(get, true);
};
const begin: Step = (recorded) => {
  recorded.request(post, false);
};
const reset: Step = (recorded) => {
  recorded.stream(1).reset(8);
};
const continued = [[":status", "100"]] as const;
const hints = [
  [":status", "103"],
  ["link", "</a>"],
] as const;

/** What servers can do wrong, and what they may do. */
export const client: Case[] = [
  {
    rfc: "3.4",
    name: "the server's first frame is PING",
    bare: true,
    steps: [ping()],
    frames: ["SETTINGS", ...goneAway("PROTOCOL_ERROR")],
  },
  {
    rfc: "3.4",
    name: "the server answers by HTTP/1.1",
    bare: true,
    steps: [Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    frames: ["SETTINGS", ...goneAway("FRAME_SIZE_ERROR")],
  },
  {
    rfc: "3.4",
    name: "the server sends a client's preface",
    bare: true,
    steps: [preface],
    frames: ["SETTINGS", ...goneAway("FRAME_SIZE_ERROR")],
  },
  {
    rfc: "3.4",
    name: "requests may go out before the server's SETTINGS",
    bare: true,
    steps: [ask, settings(), settingsAck],
    frames: ["SETTINGS", "HEADERS 1 end", "SETTINGS ack"],
  },
  {
    rfc: "8.1",
    name: "an answer without a body",
    steps: [ask, headers(1, ok, { end: true })],
    frames: ["HEADERS 1 end"],
    events: ["1 sent", "1 head :status=200 end"],
  },
  {
    rfc: "8.1",
    name: "1xx, head, body and trailers",
    steps: [
      ask,
      headers(1, hints),
      headers(1, continued),
      headers(1, ok),
      data(1, "abc"),
      headers(1, trailer, { end: true }),
    ],
    frames: ["HEADERS 1 end"],
    events: [
      "1 sent",
      "1 head :status=103 link=</a>",
      "1 head :status=100",
      "1 head :status=200",
      "1 data 3",
      "1 head x-sum=1 end",
    ],
  },
  {
    rfc: "8.1",
    name: "1xx with END_STREAM",
    steps: [ask, headers(1, continued, { end: true })],
    frames: ["HEADERS 1 end", "RST_STREAM 1 PROTOCOL_ERROR"],
    events: ["1 sent", "1 reset PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1",
    name: "DATA before the head of an answer",
    steps: [ask, data(1, "x")],
    frames: ["HEADERS 1 end", "RST_STREAM 1 PROTOCOL_ERROR"],
    events: ["1 sent", "1 reset PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1",
    name: "DATA between 1xx and the head of an answer",
    steps: [ask, headers(1, continued), data(1, "x")],
    frames: ["HEADERS 1 end", "RST_STREAM 1 PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1",
    name: "1xx behind the head",
    steps: [ask, headers(1, ok), headers(1, continued)],
    frames: ["HEADERS 1 end", "RST_STREAM 1 PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1",
    name: "trailers without END_STREAM",
    steps: [ask, headers(1, ok), data(1, "x"), headers(1, trailer)],
    frames: ["HEADERS 1 end", "RST_STREAM 1 PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1.1",
    name: "an answer longer than its Content-Length",
    steps: [ask, headers(1, [...ok, ["content-length", "2"]]), data(1, "abc", { end: true })],
    frames: ["HEADERS 1 end", "RST_STREAM 1 PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1.1",
    name: "an answer shorter than its Content-Length",
    steps: [ask, headers(1, [...ok, ["content-length", "4"]]), data(1, "abc", { end: true })],
    frames: ["HEADERS 1 end", "RST_STREAM 1 PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1",
    name: "an early answer, then a reset without an error",
    steps: [begin, headers(1, ok, { end: true }), rst(1, 0)],
    frames: ["HEADERS 1"],
    events: ["1 head :status=200 end", "1 reset NO_ERROR"],
  },
  { rfc: "5.1.1", name: "the server opens a stream", steps: [headers(2, ok)], frames: goneAway("PROTOCOL_ERROR") },
  {
    rfc: "5.1.1",
    name: "the server answers what was not asked",
    steps: [ask, headers(3, ok, { end: true })],
    frames: ["HEADERS 1 end", ...goneAway("PROTOCOL_ERROR")],
    events: ["1 sent", "1 reset PROTOCOL_ERROR unprocessed", "error PROTOCOL_ERROR"],
  },
  { rfc: "5.1", name: "DATA on an idle stream", steps: [data(1, "x")], frames: goneAway("PROTOCOL_ERROR") },
  { rfc: "5.1", name: "RST_STREAM on an idle stream", steps: [rst(1, 8)], frames: goneAway("PROTOCOL_ERROR") },
  {
    rfc: "5.1",
    name: "WINDOW_UPDATE on an idle stream",
    steps: [windowUpdate(1, 8)],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "5.1",
    name: "an answer to a request that was given up is ignored",
    steps: [ask, reset, headers(1, ok), data(1, "abc", { end: true }), ping()],
    frames: ["HEADERS 1 end", "RST_STREAM 1 CANCEL", "PING ack"],
    events: ["1 sent"],
  },
  {
    rfc: "5.1",
    name: "HEADERS behind the end of an answer",
    steps: [ask, headers(1, ok, { end: true }), headers(1, ok, { end: true })],
    frames: ["HEADERS 1 end", ...goneAway("STREAM_CLOSED")],
  },
  {
    rfc: "5.1",
    name: "DATA behind the end of an answer",
    steps: [ask, headers(1, ok, { end: true }), data(1, "x")],
    frames: ["HEADERS 1 end", "RST_STREAM 1 STREAM_CLOSED"],
  },
  {
    rfc: "5.1",
    name: "DATA behind the end of an answer to a request that goes on",
    steps: [begin, headers(1, ok, { end: true }), data(1, "x")],
    frames: ["HEADERS 1", "RST_STREAM 1 STREAM_CLOSED"],
    events: ["1 head :status=200 end", "1 reset STREAM_CLOSED"],
  },
  {
    rfc: "6.6",
    name: "PUSH_PROMISE, which our settings forbid",
    steps: [ask, frame(5, 4, 1, Buffer.concat([uint32(2), block(get)]))],
    frames: ["HEADERS 1 end", ...goneAway("PROTOCOL_ERROR")],
  },
  {
    rfc: "6.5.2",
    name: "a server's ENABLE_PUSH of 1",
    steps: [settings({ 2: 1 })],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  { rfc: "6.5.2", name: "a server's ENABLE_PUSH of 0", steps: [settings({ 2: 0 })], frames: ["SETTINGS ack"] },
  {
    rfc: "8.7",
    name: "REFUSED_STREAM: certainly not processed",
    steps: [ask, rst(1, 7)],
    frames: ["HEADERS 1 end"],
    events: ["1 sent", "1 reset REFUSED_STREAM unprocessed"],
  },
  {
    rfc: "8.7",
    name: "another reset: perhaps processed",
    steps: [ask, rst(1, 2)],
    frames: ["HEADERS 1 end"],
    events: ["1 sent", "1 reset INTERNAL_ERROR"],
  },
  {
    rfc: "6.8",
    name: "GOAWAY: streams above its last are not processed, the others go on",
    steps: [ask, ask, goAway(1), headers(1, ok, { end: true })],
    frames: ["HEADERS 1 end", "HEADERS 3 end"],
    events: ["1 sent", "3 sent", "3 reset REFUSED_STREAM unprocessed", "goaway 1 NO_ERROR", "1 head :status=200 end"],
  },
  {
    rfc: "6.8",
    name: "GOAWAY in two steps",
    steps: [ask, ask, goAway(0x7fffffff), goAway(1)],
    frames: ["HEADERS 1 end", "HEADERS 3 end"],
    events: [
      "1 sent",
      "3 sent",
      "goaway 2147483647 NO_ERROR",
      "3 reset REFUSED_STREAM unprocessed",
      "goaway 1 NO_ERROR",
    ],
  },
  {
    rfc: "6.8",
    name: "GOAWAY with an even last stream",
    steps: [ask, goAway(2)],
    frames: ["HEADERS 1 end", ...goneAway("PROTOCOL_ERROR")],
  },
  {
    rfc: "6.8",
    name: "GOAWAY with an increased last stream",
    steps: [ask, ask, goAway(1), goAway(3)],
    frames: ["HEADERS 1 end", "HEADERS 3 end", ...goneAway("PROTOCOL_ERROR")],
  },
  {
    rfc: "6.8",
    name: "frames on a stream that GOAWAY has ended",
    steps: [ask, ask, goAway(1), headers(3, ok)],
    frames: ["HEADERS 1 end", "HEADERS 3 end"],
  },
  {
    rfc: "6.9.1",
    name: "DATA beyond the window of an answer",
    options: { streamWindow: 10 },
    steps: [ask, headers(1, ok), data(1, "x".repeat(11))],
    frames: ["HEADERS 1 end", "RST_STREAM 1 FLOW_CONTROL_ERROR"],
  },
  {
    rfc: "6.9",
    name: "WINDOW_UPDATE by nothing on a request",
    steps: [begin, windowUpdate(1, 0)],
    frames: ["HEADERS 1", "RST_STREAM 1 PROTOCOL_ERROR"],
  },
  {
    rfc: "4.3",
    name: "a malformed header block of an answer",
    steps: [ask, headers(1, Buffer.from([0x80]))],
    frames: ["HEADERS 1 end", ...goneAway("COMPRESSION_ERROR")],
  },
  {
    rfc: "4.3",
    name: "a header block of an answer is parted",
    steps: [ask, headers(1, block(ok), { open: true }), ping()],
    frames: ["HEADERS 1 end", ...goneAway("PROTOCOL_ERROR")],
  },
  {
    rfc: "RFC 9218 7.1",
    name: "PRIORITY_UPDATE from a server",
    steps: [priorityUpdate(1, "u=1")],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "RFC 8441 3",
    name: "a server takes ENABLE_CONNECT_PROTOCOL back",
    peerSettings: { 8: 1 },
    steps: [settings({ 8: 0 })],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "6.7",
    name: "a ping of ours is answered",
    steps: [(r) => r.connection.ping(), ping("evenkeel", true)],
    frames: ["PING"],
    events: ["pong"],
  },
];
