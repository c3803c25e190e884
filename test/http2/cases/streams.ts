import {
  data,
  get,
  headers,
  ok,
  post,
  rst,
  settings,
  trailer,
  windowUpdate,
  ping,
  type FieldPairs,
} from "../support/raw-frames.ts";
import { goneAway, type Case, type Step } from "./case.ts";

const postHead = "head :method=POST :scheme=https :path=/ :authority=example.com";
const getHead = "head :method=GET :scheme=https :path=/ :authority=example.com end";

/** Answers completely: the stream is half-closed (local), or closed. */
const answer =
  (id: number): Step =>
  (recorded) => {
    recorded.head(recorded.stream(id), ok, true);
  };
const reset =
  (id: number, code = 8): Step =>
  (recorded) => {
    recorded.stream(id).reset(code);
  };
const goesAway: Step = (recorded) => {
  recorded.connection.goAway();
};
const withLength = (length: string): FieldPairs => [...post, ["content-length", length]];

/** States of streams and what their identifiers may be, in the server role. */
export const streams: Case[] = [
  { rfc: "5.1", name: "idle: DATA", steps: [data(1, "x")], frames: goneAway("PROTOCOL_ERROR") },
  { rfc: "5.1", name: "idle: WINDOW_UPDATE", steps: [windowUpdate(1, 1)], frames: goneAway("PROTOCOL_ERROR") },
  {
    rfc: "5.1",
    name: "idle: RST_STREAM above the last stream",
    steps: [headers(1, get, { end: true }), rst(3, 8)],
    frames: goneAway("PROTOCOL_ERROR", 1),
  },
  {
    rfc: "5.1",
    name: "half-closed (remote): DATA",
    steps: [headers(1, get, { end: true }), data(1, "x")],
    frames: ["RST_STREAM 1 STREAM_CLOSED"],
    events: [`1 ${getHead}`, "1 reset STREAM_CLOSED"],
  },
  {
    rfc: "5.1",
    name: "half-closed (remote): HEADERS",
    steps: [headers(1, get, { end: true }), headers(1, trailer, { end: true })],
    frames: ["RST_STREAM 1 STREAM_CLOSED"],
    events: [`1 ${getHead}`, "1 reset STREAM_CLOSED"],
  },
  {
    rfc: "5.1",
    name: "half-closed (remote): WINDOW_UPDATE",
    steps: [headers(1, get, { end: true }), windowUpdate(1, 10), answer(1)],
    frames: ["HEADERS 1 end"],
  },
  {
    rfc: "5.1",
    name: "half-closed (remote): RST_STREAM",
    steps: [headers(1, get, { end: true }), rst(1, 8)],
    frames: [],
    events: [`1 ${getHead}`, "1 reset CANCEL"],
  },
  {
    rfc: "5.1",
    name: "half-closed (local): DATA and its end",
    steps: [headers(1, post), answer(1), data(1, "x", { end: true })],
    frames: ["HEADERS 1 end"],
    events: [`1 ${postHead}`, "1 sent", "1 data 1 end"],
  },
  {
    rfc: "5.1",
    name: "half-closed (local): RST_STREAM",
    steps: [headers(1, post), answer(1), rst(1, 0)],
    frames: ["HEADERS 1 end"],
    events: [`1 ${postHead}`, "1 sent", "1 reset NO_ERROR"],
  },
  {
    rfc: "5.1",
    name: "closed by both ends: WINDOW_UPDATE",
    steps: [headers(1, get, { end: true }), answer(1), windowUpdate(1, 10)],
    frames: ["HEADERS 1 end"],
  },
  {
    rfc: "5.1",
    name: "closed by both ends: RST_STREAM",
    steps: [headers(1, get, { end: true }), answer(1), rst(1, 8)],
    frames: ["HEADERS 1 end"],
  },
  {
    rfc: "6.1",
    name: "closed by both ends: DATA",
    steps: [headers(1, get, { end: true }), answer(1), data(1, "x")],
    frames: ["HEADERS 1 end", "RST_STREAM 1 STREAM_CLOSED"],
  },
  {
    rfc: "5.1",
    name: "closed by both ends: HEADERS",
    steps: [headers(1, get, { end: true }), answer(1), headers(1, get, { end: true })],
    frames: ["HEADERS 1 end", ...goneAway("STREAM_CLOSED", 1)],
  },
  {
    rfc: "5.1",
    name: "closed by the peer's reset: DATA",
    steps: [headers(1, post), rst(1, 8), data(1, "x")],
    frames: ["RST_STREAM 1 STREAM_CLOSED"],
    events: [`1 ${postHead}`, "1 reset CANCEL"],
  },
  {
    rfc: "5.1",
    name: "closed by the peer's reset: HEADERS",
    steps: [headers(1, post), rst(1, 8), headers(1, trailer, { end: true })],
    frames: goneAway("STREAM_CLOSED", 1),
  },
  {
    rfc: "5.1",
    name: "closed by the peer's reset: a second reset",
    steps: [headers(1, post), rst(1, 8), rst(1, 8)],
    frames: [],
  },
  {
    rfc: "5.1",
    name: "closed by our reset: DATA is ignored",
    steps: [headers(1, post), reset(1), data(1, "x", { end: true }), ping()],
    frames: ["RST_STREAM 1 CANCEL", "PING ack"],
    events: [`1 ${postHead}`],
  },
  {
    rfc: "5.1",
    name: "closed by our reset: trailers are ignored",
    steps: [headers(1, post), reset(1), headers(1, trailer, { end: true }), ping()],
    frames: ["RST_STREAM 1 CANCEL", "PING ack"],
    events: [`1 ${postHead}`],
  },
  {
    rfc: "5.1",
    name: "closed by our reset: RST_STREAM and WINDOW_UPDATE are ignored",
    steps: [headers(1, post), reset(1), windowUpdate(1, 1), rst(1, 8)],
    frames: ["RST_STREAM 1 CANCEL"],
    events: [`1 ${postHead}`],
  },
  {
    rfc: "5.1.1",
    name: "a client opens a stream with an even identifier",
    steps: [headers(2, get, { end: true })],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "5.1.1",
    name: "a stream below the last one, which was passed over",
    steps: [headers(5, get, { end: true }), headers(3, get, { end: true })],
    frames: goneAway("PROTOCOL_ERROR", 5),
  },
  {
    rfc: "5.1.1",
    name: "DATA on a stream that was passed over",
    steps: [headers(5, get, { end: true }), data(3, "x")],
    frames: ["RST_STREAM 3 STREAM_CLOSED"],
  },
  { rfc: "5.1.1", name: "DATA on an even stream", steps: [data(2, "x")], frames: goneAway("PROTOCOL_ERROR") },
  {
    rfc: "5.1.1",
    name: "WINDOW_UPDATE on an even stream",
    steps: [windowUpdate(2, 1)],
    frames: goneAway("PROTOCOL_ERROR"),
  },
  {
    rfc: "5.1.1",
    name: "the highest identifier",
    steps: [headers(0x7fffffff, get, { end: true }), answer(0x7fffffff)],
    frames: ["HEADERS 2147483647 end"],
  },
  {
    rfc: "5.1.2",
    name: "a stream more than we allow",
    options: { maxConcurrentStreams: 1 },
    steps: [headers(1, post), headers(3, get, { end: true })],
    frames: ["RST_STREAM 3 REFUSED_STREAM"],
    events: [`1 ${postHead}`],
  },
  {
    rfc: "5.1.2",
    name: "DATA of a stream more than we allow is ignored",
    options: { maxConcurrentStreams: 1 },
    steps: [headers(1, post), headers(3, post), data(3, "x"), headers(3, trailer, { end: true }), ping()],
    frames: ["RST_STREAM 3 REFUSED_STREAM", "PING ack"],
    events: [`1 ${postHead}`],
  },
  {
    rfc: "5.1.2",
    name: "a stream whose user is still at work counts",
    options: { maxConcurrentStreams: 1 },
    steps: [headers(1, get, { end: true }), rst(1, 8), headers(3, get, { end: true })],
    frames: ["RST_STREAM 3 REFUSED_STREAM"],
  },
  {
    rfc: "5.1.2",
    name: "a stream that was released makes room",
    options: { maxConcurrentStreams: 1 },
    steps: [headers(1, get, { end: true }), rst(1, 8), (r) => r.stream(1).release(), headers(3, get, { end: true })],
    frames: [],
    events: [`1 ${getHead}`, "1 reset CANCEL", `3 ${getHead}`],
  },
  {
    rfc: "6.8",
    name: "streams behind our GOAWAY are ignored, their DATA too",
    steps: [
      headers(1, post),
      goesAway,
      headers(3, post),
      data(3, "x"),
      windowUpdate(3, 1),
      rst(3, 8),
      data(1, "y", { end: true }),
    ],
    frames: ["GOAWAY 1 NO_ERROR"],
    events: [`1 ${postHead}`, "1 data 1 end"],
  },
  {
    rfc: "6.8",
    name: "shutdown in two steps",
    steps: [
      (r) => r.connection.announceShutdown(),
      headers(1, get, { end: true }),
      goesAway,
      headers(3, get, { end: true }),
    ],
    frames: ["GOAWAY 2147483647 NO_ERROR", "GOAWAY 1 NO_ERROR"],
    events: [`1 ${getHead}`],
  },
  {
    rfc: "8.1",
    name: "a second head without END_STREAM",
    steps: [headers(1, post), headers(1, trailer)],
    frames: ["RST_STREAM 1 PROTOCOL_ERROR"],
    events: [`1 ${postHead}`, "1 reset PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1",
    name: "trailers behind a body",
    steps: [headers(1, post), data(1, "abc"), headers(1, trailer, { end: true })],
    frames: [],
    events: [`1 ${postHead}`, "1 data 3", "1 head x-sum=1 end"],
  },
  {
    rfc: "8.1",
    name: "DATA behind trailers",
    steps: [headers(1, post), headers(1, trailer, { end: true }), data(1, "x")],
    frames: ["RST_STREAM 1 STREAM_CLOSED"],
  },
  {
    rfc: "8.1",
    name: "DATA behind END_STREAM",
    steps: [headers(1, post), data(1, "x", { end: true }), data(1, "y")],
    frames: ["RST_STREAM 1 STREAM_CLOSED"],
    events: [`1 ${postHead}`, "1 data 1 end", "1 reset STREAM_CLOSED"],
  },
  {
    rfc: "8.1.1",
    name: "more DATA than Content-Length says",
    steps: [headers(1, withLength("3")), data(1, "abcd")],
    frames: ["RST_STREAM 1 PROTOCOL_ERROR"],
    events: [`1 ${postHead} content-length=3`, "1 reset PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1.1",
    name: "less DATA than Content-Length says",
    steps: [headers(1, withLength("3")), data(1, "ab", { end: true })],
    frames: ["RST_STREAM 1 PROTOCOL_ERROR"],
    events: [`1 ${postHead} content-length=3`, "1 reset PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1.1",
    name: "less DATA than Content-Length says, before trailers",
    steps: [headers(1, withLength("3")), data(1, "ab"), headers(1, trailer, { end: true })],
    frames: ["RST_STREAM 1 PROTOCOL_ERROR"],
    events: [`1 ${postHead} content-length=3`, "1 data 2", "1 reset PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1.1",
    name: "no DATA at all where Content-Length promises some",
    steps: [headers(1, withLength("3"), { end: true })],
    frames: ["RST_STREAM 1 PROTOCOL_ERROR"],
  },
  {
    rfc: "8.1.1",
    name: "DATA as long as Content-Length says; padding does not count",
    steps: [headers(1, withLength("3")), data(1, "ab", { pad: 9 }), data(1, "c", { end: true, pad: 0 })],
    frames: [],
    events: [`1 ${postHead} content-length=3`, "1 data 2", "1 data 1 end"],
  },
  {
    rfc: "8.1.1",
    name: "Content-Length of nothing, and nothing",
    steps: [headers(1, withLength("0"), { end: true }), answer(1)],
    frames: ["HEADERS 1 end"],
  },
  {
    rfc: "RFC 6585 5",
    name: "a head with more fields than we take is marked",
    options: { maxHeaders: 4 },
    steps: [headers(1, [...get, ["a", "b"]], { end: true })],
    frames: [],
    events: ["1 head overflow :method=GET :scheme=https :path=/ :authority=example.com end"],
  },
  {
    rfc: "6.5.2",
    name: "a head longer than MAX_HEADER_LIST_SIZE is marked",
    options: { maxHeadSize: 200 },
    steps: [headers(1, [...get, ["a", "b".repeat(200)]], { end: true })],
    frames: [],
    events: ["1 head overflow :method=GET :scheme=https :path=/ :authority=example.com end"],
  },
  {
    rfc: "5.4.2",
    name: "other streams go on behind an error of one",
    steps: [headers(1, post), headers(3, post), data(1, "x", { end: true }), data(1, "y"), data(3, "z", { end: true })],
    frames: ["RST_STREAM 1 STREAM_CLOSED"],
    events: [`1 ${postHead}`, `3 ${postHead}`, "1 data 1 end", "1 reset STREAM_CLOSED", "3 data 1 end"],
  },
  {
    rfc: "5.4.1",
    name: "nothing is taken behind an error of the connection",
    steps: [data(0, ""), headers(1, get, { end: true }), ping(), settings()],
    frames: goneAway("PROTOCOL_ERROR"),
    events: ["error PROTOCOL_ERROR"],
  },
  {
    rfc: "5.4.1",
    name: "an error of the connection ends its streams",
    steps: [headers(1, post), headers(3, get, { end: true }), data(0, "")],
    frames: goneAway("PROTOCOL_ERROR", 3),
    events: [
      `1 ${postHead}`,
      `3 ${getHead}`,
      "1 reset PROTOCOL_ERROR",
      "3 reset PROTOCOL_ERROR",
      "error PROTOCOL_ERROR",
    ],
  },
];
