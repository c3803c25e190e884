import { describe } from "vitest";
import { oneOfThree } from "../../support/chaos/one-of-three.ts";

describe("one of three servers answers 500 to everything", () => {
  oneOfThree({
    name: "answers 500",
    breakIt: (origin) => origin.behave({ mode: "failing" }),
    mendIt: (origin) => origin.behave({ mode: "normal" }),
  });
});
