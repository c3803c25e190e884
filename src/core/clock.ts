/** Time as the rules see it. Rules get a clock as a parameter, so that tests can run in virtual time. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes backwards. For durations and deadlines. */
  now(): number;
  /** Milliseconds since 1970-01-01 UTC. For what people read; may jump. */
  wall(): number;
}
