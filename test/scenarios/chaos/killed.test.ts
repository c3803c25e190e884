import { describe } from "vitest";
import { oneOfThree } from "../../support/chaos/one-of-three.ts";

describe("one of three servers is killed (SIGKILL)", () => {
  oneOfThree({
    name: "killed",
    breakIt: (origin) => origin.kill(),
    mendIt: (origin) => origin.start(),
  });
});
