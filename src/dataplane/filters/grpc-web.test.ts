import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fakeExchange, type ExchangeFields, type FakeExchange } from "./filter.contract.ts";
import { grpcWeb } from "./grpc-web.ts";

const filter = grpcWeb.create();
const MESSAGE = Buffer.from([0, 0, 0, 0, 3, 1, 2, 3]);
const TRAILERS = "grpc-status: 5\r\nGrpc-Message:no such thing\r\n";
const FRAME = Buffer.concat([
  Buffer.from([0x80, 0, 0, 0, 43]),
  Buffer.from("grpc-status:5\r\ngrpc-message:no such thing\r\n"),
]);

function call(
  contentType: string | undefined,
  answerType = "application/grpc",
  more: ExchangeFields = {},
): FakeExchange {
  const exchange = fakeExchange({
    method: "POST",
    request: [...(contentType === undefined ? [] : [["content-type", contentType] as const]), ["x-grpc-web", "1"]],
    response: [["content-type", answerType]],
    ...more,
  });
  expect(filter.onRequestHead(exchange)).toBeUndefined();
  return exchange;
}

function encode(bytes: Buffer): string {
  return bytes.toString("base64");
}

/** The pieces that the cuts make. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.filter((place) => place <= bytes.length).toSorted((a, b) => a - b), bytes.length];
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

describe("gRPC-Web", () => {
  it.each([
    ["application/grpc-web", "application/grpc"],
    ["application/grpc-web+proto", "application/grpc+proto"],
    ["application/grpc-web-text", "application/grpc"],
    ["application/grpc-web-text+json; charset=utf-8", "application/grpc+json; charset=utf-8"],
    ["Application/gRPC-Web+proto", "application/grpc+proto"],
  ])("%s goes to the server as %s", (web, grpc) => {
    const exchange = call(web);
    expect(exchange.request.all("content-type")).toEqual([grpc]);
    expect(exchange.request.header("x-grpc-web")).toBeUndefined();
  });

  it.each([undefined, "text/plain", "application/grpc", "application/grpc+proto", "application/grpc-webby"])(
    "%s is left alone in every phase",
    (type) => {
      const exchange = call(type);
      filter.onResponseHead(exchange);
      expect(exchange.request.header("content-type")).toBe(type);
      expect(exchange.request.header("x-grpc-web")).toBe("1");
      expect(exchange.response.header("content-type")).toBe("application/grpc");
      expect(filter.onRequestBody(exchange, MESSAGE)).toBeUndefined();
      expect(filter.onResponseBody(exchange, MESSAGE)).toBeUndefined();
      expect(filter.onResponseTrailers(exchange, TRAILERS)).toBeUndefined();
    },
  );

  it("has trailers as the last frame of a binary body", () => {
    const exchange = call("application/grpc-web+proto", "application/grpc+proto");
    expect(filter.onRequestBody(exchange, MESSAGE)).toBeUndefined();
    filter.onResponseHead(exchange);
    expect(exchange.response.all("content-type")).toEqual(["application/grpc-web+proto"]);
    expect(filter.onResponseBody(exchange, MESSAGE)).toBeUndefined();
    expect(Buffer.from(filter.onResponseTrailers(exchange, TRAILERS)!).equals(FRAME)).toBe(true);
  });

  it("speaks base64 with those who do, wherever the pieces are cut", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.nat({ max: 400 }), { maxLength: 12 }),
        fc.constantFrom("whole", "unpadded", "in padded pieces"),
        (bytes, places, form) => {
          const exchange = call("application/grpc-web-text");
          const body = Buffer.from(bytes);
          const text =
            form === "whole"
              ? encode(body)
              : form === "unpadded"
                ? encode(body).replaceAll("=", "")
                : cut(body, places).map(encode).join("");
          const received = cut(Buffer.from(text), places).map((piece) => filter.onRequestBody(exchange, piece)!);
          expect(Buffer.concat(received).equals(body)).toBe(true);

          filter.onResponseHead(exchange);
          expect(exchange.response.header("content-type")).toBe("application/grpc-web-text");
          const sent = cut(body, places).map((piece) =>
            Buffer.from(filter.onResponseBody(exchange, piece)!).toString(),
          );
          expect(Buffer.concat(sent.map((piece) => Buffer.from(piece, "base64"))).equals(body)).toBe(true);
          // Each piece can be read by itself: nothing waits for the next one.
          for (const piece of sent) expect(piece.length % 4).toBe(0);
          const last = Buffer.from(filter.onResponseTrailers(exchange, TRAILERS)!).toString();
          expect(Buffer.from(last, "base64").equals(FRAME)).toBe(true);
        },
      ),
    );
  });

  it("passes an answer on that has its status in its head, or that is not gRPC", () => {
    const trailersOnly = call("application/grpc-web", "application/grpc", {
      response: [
        ["content-type", "application/grpc"],
        ["grpc-status", "14"],
      ],
    });
    filter.onResponseHead(trailersOnly);
    expect(trailersOnly.response.header("content-type")).toBe("application/grpc-web");
    expect(trailersOnly.response.header("grpc-status")).toBe("14");
    expect(filter.onResponseTrailers(trailersOnly, "")).toBeUndefined();

    const page = call("application/grpc-web-text", "text/html");
    filter.onResponseHead(page);
    expect(page.response.header("content-type")).toBe("text/html");
    expect(filter.onResponseBody(page, MESSAGE)).toBeUndefined();
    expect(filter.onResponseTrailers(page, TRAILERS)).toBeUndefined();
  });

  it("makes no error of a body that is not base64", () => {
    const exchange = call("application/grpc-web-text");
    const bytes = filter.onRequestBody(exchange, Buffer.from("A\r\nA=\xff!?B B B B", "latin1"));
    expect([...bytes!]).toEqual([0, 0x04, 0x10, 0x41]);
  });
});
