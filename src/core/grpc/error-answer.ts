import type { Answer } from "../filtering/filter.ts";
import { grpcKind, withGrpcKind } from "./content-type.ts";
import { encodeGrpcMessage } from "./message.ts";
import { grpcStatusOf } from "./status.ts";

/** The part of an error that its answer needs; protocol errors and proxy errors both fit. */
interface AnsweredError {
  readonly code: string;
  /** The HTTP status that others would get. */
  readonly status: number;
}

/**
 * An error answer of our own as gRPC clients understand it: status 200, `grpc-status` and `grpc-message` in the head and
 * no body ("Trailers-Only" in gRPC over HTTP/2). gRPC-Web clients get the same with the content type that they sent.
 *
 * @param message a sentence for people
 * @param id the request id; the operator finds the request by it
 * @param contentType of the request
 * @returns undefined when the request is not one of gRPC: it gets an ordinary error answer
 */
export function grpcErrorAnswer(
  error: AnsweredError,
  message: string,
  id: string,
  contentType: string | undefined,
): (Answer & { readonly headers: Readonly<Record<string, string>> }) | undefined {
  const kind = grpcKind(contentType);
  if (kind === "none") return undefined;
  return {
    status: 200,
    headers: {
      "content-type": kind === "grpc" ? "application/grpc" : withGrpcKind(contentType!, kind),
      "grpc-status": String(grpcStatusOf(error)),
      "grpc-message": grpcMessage(error, message, id),
      "x-request-id": id,
    },
  };
}

/**
 * The end of a gRPC answer that has begun and cannot be completed, as complete lines of trailers: the client learns the
 * status of our error instead of that of a broken stream.
 */
export function grpcErrorTrailers(error: AnsweredError, message: string, id: string): string {
  return `grpc-status: ${grpcStatusOf(error)}\r\ngrpc-message: ${grpcMessage(error, message, id)}\r\n`;
}

function grpcMessage({ code }: AnsweredError, message: string, id: string): string {
  return encodeGrpcMessage(`${message} (${code}, request ${id})`);
}
