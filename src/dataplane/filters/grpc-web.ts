import { Type, type Static } from "typebox";
import type { FilterDefinition, FilterExchange } from "../../core/filtering/filter.ts";
import { Base64Decoder } from "../../core/grpc/base64-decoder.ts";
import { grpcKind, isGrpc, withGrpcKind } from "../../core/grpc/content-type.ts";
import { trailersFrame } from "../../core/grpc/web-trailers.ts";

const Settings = Type.Object({}, { additionalProperties: false });

const NOTE = "grpcWeb";

/** What one call needs to remember. */
interface Call {
  readonly kind: "web" | "web-text";
  /** Of a body in base64; null for a binary one. */
  readonly decoder: Base64Decoder | null;
  /** The answer is gRPC, so that its body is framed for gRPC-Web. */
  answered: boolean;
}

/**
 * gRPC-Web from browsers to gRPC servers: frames of messages are the same in both, so bodies pass as they come (or from
 * and to base64), and what HTTP/2 has as trailers goes out as the last frame of the body, because scripts in browsers
 * see none. Who may call from which site is the business of the `cors` filter.
 *
 * Source: "gRPC Web" (PROTOCOL-WEB.md of the gRPC project).
 */
export const grpcWeb = {
  kind: "filter",
  name: "grpcWeb",
  summary: "Lets browsers call gRPC servers by gRPC-Web.",
  schema: Settings,
  create: () => ({
    onRequestHead: (exchange) => {
      const { request } = exchange;
      const contentType = request.header("content-type");
      const kind = grpcKind(contentType);
      if (kind !== "web" && kind !== "web-text") return;
      const decoder = kind === "web-text" ? new Base64Decoder() : null;
      exchange.notes.set(NOTE, { kind, decoder, answered: false } satisfies Call);
      request.setHeader("content-type", withGrpcKind(contentType!, "grpc"));
      request.removeHeader("x-grpc-web");
    },

    onRequestBody: (exchange, chunk) => callOf(exchange)?.decoder?.decode(chunk),

    onResponseHead: (exchange) => {
      const call = callOf(exchange);
      if (call === undefined) return;
      const { response } = exchange;
      const contentType = response.header("content-type");
      // Anything else is an error of somebody on the way, in a language of its own.
      call.answered = isGrpc(contentType);
      if (call.answered) response.setHeader("content-type", withGrpcKind(contentType!, call.kind));
    },

    onResponseBody: (exchange, chunk) => {
      const call = callOf(exchange);
      return call?.answered === true && call.kind === "web-text" ? base64(chunk) : undefined;
    },

    onResponseTrailers: (exchange, trailers) => {
      const call = callOf(exchange);
      // Without trailers the status was in the head, or there is none, which the client tells by itself.
      if (call?.answered !== true || trailers === "") return undefined;
      const frame = trailersFrame(trailers);
      return call.kind === "web-text" ? base64(frame) : frame;
    },
  }),
} satisfies FilterDefinition<Static<typeof Settings>>;

function callOf(exchange: FilterExchange): Call | undefined {
  return exchange.notes.get(NOTE) as Call | undefined;
}

/** Each piece by itself, with its padding: the end of a message must not wait for the beginning of the next one. */
function base64(bytes: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64"), "latin1");
}
