import {
  type MethodDefinition,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  Metadata,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import { atEnd } from "./cleanup.ts";

const bytes = (path: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: (value) => value,
  requestDeserialize: (value) => value,
  responseSerialize: (value) => value,
  responseDeserialize: (value) => value,
});

/** The methods of the test service; messages are bytes. */
export const echoService = {
  /** Answers the message, or does what the request's metadata say: see `startGrpcOrigin`. */
  unary: bytes("/test.Echo/Unary", false, false),
  /** Answers all messages together. */
  collect: bytes("/test.Echo/Collect", true, false),
  /** Answers each byte of the message as one. */
  spread: bytes("/test.Echo/Spread", false, true),
  /** Answers each message as it comes. */
  chat: bytes("/test.Echo/Chat", true, true),
} as const;

/** gRPC's standard health service. */
const healthService = { check: bytes("/grpc.health.v1.Health/Check", false, false) } as const;

/** A server of gRPC's own library. */
export interface GrpcOrigin {
  readonly address: string;
  readonly name: string;
  /** Unary calls and chats that came here. */
  calls: number;
  /** Chats that are open. */
  chats: number;
  /** Unary calls that wait for the test to answer them. */
  readonly held: (() => void)[];
  /** What the calls' `cancelled` events said, in order. */
  cancelled: number;
  /** The first so many unary calls fail with this status before anything is answered. */
  fail: { times: number; code: number } | undefined;
  /** What its health service says. */
  serving: boolean;
  /** Cuts all connections. */
  kill(): void;
  /** Takes no new calls and ends when the running ones have. */
  shutDown(): Promise<void>;
}

/**
 * Starts one. Every answer has the server's name as metadata `server` and the number of the messages as trailer `count`.
 * Unary calls heed the metadata `fail: CODE`, with `details-bin` sent back as `grpc-status-details-bin`, and `hold`.
 */
export async function startGrpcOrigin(
  name: string,
  credentials = ServerCredentials.createInsecure(),
): Promise<GrpcOrigin> {
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  const origin: GrpcOrigin = {
    name,
    address: "",
    calls: 0,
    chats: 0,
    held: [],
    cancelled: 0,
    fail: undefined,
    serving: true,
    kill: () => server.forceShutdown(),
    shutDown: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
  };
  const head = (): Metadata => {
    const metadata = new Metadata();
    metadata.set("server", name);
    return metadata;
  };
  server.addService(echoService, {
    unary: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      origin.calls++;
      call.on("cancelled", () => origin.cancelled++);
      if (origin.fail !== undefined && origin.fail.times-- > 0)
        return done({ code: origin.fail.code, details: `${name} fails` });
      const failure = call.metadata.get("fail")[0];
      if (failure !== undefined) {
        const metadata = trailers(0);
        for (const value of call.metadata.get("details-bin")) metadata.set("grpc-status-details-bin", value);
        return done({ code: Number(failure), details: "as asked: 100 % ünï", metadata });
      }
      const answer = () => {
        call.sendMetadata(head());
        done(null, call.request, trailers(1));
      };
      if (call.metadata.get("hold").length > 0) origin.held.push(answer);
      else answer();
    },
    collect: (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      const parts: Buffer[] = [];
      call.on("data", (part: Buffer) => parts.push(part));
      call.on("end", () => {
        call.sendMetadata(head());
        done(null, Buffer.concat(parts), trailers(parts.length));
      });
    },
    spread: (call: ServerWritableStream<Buffer, Buffer>) => {
      call.sendMetadata(head());
      for (const byte of call.request) call.write(Buffer.of(byte));
      call.end(trailers(call.request.length));
    },
    chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
      origin.calls++;
      origin.chats++;
      let count = 0;
      call.sendMetadata(head());
      call.on("data", (message: Buffer) => {
        count++;
        call.write(message);
      });
      call.on("end", () => call.end(trailers(count)));
      call.on("close", () => origin.chats--);
      call.on("error", () => undefined);
    },
  });
  server.addService(healthService, {
    // HealthCheckResponse: field 1 is the status, SERVING (1) or NOT_SERVING (2).
    check: (_call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) =>
      done(null, Buffer.of(8, origin.serving ? 1 : 2)),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  atEnd(() => server.forceShutdown());
  return Object.assign(origin, { address: `127.0.0.1:${port}` });
}

function trailers(count: number): Metadata {
  const metadata = new Metadata();
  metadata.set("count", String(count));
  return metadata;
}
