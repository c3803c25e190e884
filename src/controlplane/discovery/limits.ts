/** Most servers that one source may bring; what is beyond is left out and reported. */
export const MAX_SERVERS = 1024;
/** Most names of one SRV answer that are looked up by themselves, because the answer did not bring their addresses. */
export const MAX_TARGET_LOOKUPS = 256;
/** Look-ups of one source that run at a time. */
export const PARALLEL_LOOKUPS = 16;
/** Longest CNAME chain that is followed within one answer. */
export const MAX_ALIASES = 16;
/** Times that the list of resolvers is gone through for one question. */
export const RESOLVER_ROUNDS = 2;
/** Questions that one resolver is asked at a time, by all sources: each takes a descriptor for as long as it is silent. */
export const MAX_QUESTIONS = 64;
/** Datagrams that do not answer the question and are passed over before the attempt is given up. */
export const MAX_WRONG_ANSWERS = 64;
/** Most bytes of a file with servers. */
export const MAX_FILE_SIZE = 4 * 1024 * 1024;
/** How long the start of the program, or a reload, waits for the first answers of new sources, in ms. */
export const FIRST_ANSWER_WAIT = 2_000;
/** Changes that come within so many ms of each other are published together … */
export const QUIET_TIME = 200;
/** … and after so many ms at the latest. */
export const LONGEST_DELAY = 1_000;
/** When found servers could not be brought into use, it is tried again after so many ms. */
export const RETRY_DELAY = 5_000;
/** Length of what a source says, in characters. */
export const MAX_REASON = 500;
