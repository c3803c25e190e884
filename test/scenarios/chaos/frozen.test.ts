import { describe } from "vitest";
import { oneOfThree } from "../../support/chaos/one-of-three.ts";

describe("one of three servers freezes (SIGSTOP)", () => {
  oneOfThree({
    name: "frozen",
    silent: true,
    breakIt: (origin) => origin.freeze(),
    mendIt: (origin) => origin.thaw(),
  });
});
