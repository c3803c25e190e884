import { FRAME_SIZE } from "./frames/frame-type.ts";
import type { ConnectionStream } from "./stream.ts";

const URGENCIES = 8;

/** Bytes that a stream may send before it is the next one's turn. An answer that is only useful as a whole gets more at once. */
const WHOLE_TURN = 4 * FRAME_SIZE;
const INCREMENTAL_TURN = FRAME_SIZE;

/** After that many frames one goes to a stream of less urgency, so that none starves. */
const FRAMES_BEFORE_LESS_URGENT = 16;

/**
 * Chooses whose bytes are sent next among the streams that have some and may send them: the most urgent (RFC 9218 section
 * 10), among equals in turns. Neither a long body nor many urgent ones keep the others from advancing.
 */
export class Scheduler {
  private readonly first: (ConnectionStream | null)[] = Array.from({ length: URGENCIES }, () => null);
  private readonly last: (ConnectionStream | null)[] = Array.from({ length: URGENCIES }, () => null);
  /** Bit n: someone waits with urgency n. */
  private waiting = 0;
  private framesOfMostUrgent = 0;
  private lessUrgent = 0;

  get empty(): boolean {
    return this.waiting === 0;
  }

  /** The stream has bytes and may send them. Harmless if it is here. */
  add(stream: ConnectionStream): void {
    if (stream.scheduledAt >= 0) return;
    stream.sentInTurn = 0;
    this.append(stream);
  }

  private append(stream: ConnectionStream): void {
    const at = stream.urgency;
    const last = this.last[at];
    stream.scheduledAt = at;
    stream.previousScheduled = last;
    if (last === null) this.first[at] = stream;
    else last.nextScheduled = stream;
    this.last[at] = stream;
    this.waiting |= 1 << at;
  }

  /** The stream has no bytes, or may not send them. Harmless if it is not here. */
  remove(stream: ConnectionStream): void {
    const at = stream.scheduledAt;
    if (at < 0) return;
    const previous = stream.previousScheduled;
    const next = stream.nextScheduled;
    if (previous === null) this.first[at] = next;
    else previous.nextScheduled = next;
    if (next === null) this.last[at] = previous;
    else next.previousScheduled = previous;
    stream.previousScheduled = null;
    stream.nextScheduled = null;
    stream.scheduledAt = -1;
    if (this.first[at] === null) this.waiting &= ~(1 << at);
  }

  /** Whose frame is next. Only while not `empty`. */
  choose(): ConnectionStream {
    const waiting = this.waiting;
    const mostUrgent = 31 - Math.clz32(waiting & -waiting);
    const others = waiting & (waiting - 1);
    if (others === 0 || ++this.framesOfMostUrgent <= FRAMES_BEFORE_LESS_URGENT) return this.first[mostUrgent]!;
    this.framesOfMostUrgent = 0;
    do this.lessUrgent = (this.lessUrgent + 1) % URGENCIES;
    while ((others & (1 << this.lessUrgent)) === 0);
    return this.first[this.lessUrgent]!;
  }

  /** The stream has sent a frame and has more to send. */
  sent(stream: ConnectionStream, bytes: number): void {
    stream.sentInTurn += bytes;
    if (stream.sentInTurn < (stream.incremental ? INCREMENTAL_TURN : WHOLE_TURN)) return;
    stream.sentInTurn = 0;
    if (stream.nextScheduled === null) return;
    this.remove(stream);
    this.append(stream);
  }
}
