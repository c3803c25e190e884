import { describe } from "vitest";
import { layNetwork, networkMissing } from "../../support/chaos/network.ts";
import { oneOfThree } from "../../support/chaos/one-of-three.ts";

const what = "one of three servers is cut off: packets between network namespaces are dropped";

describe.skipIf(networkMissing(what))(what, () => {
  oneOfThree({
    name: "cut off",
    silent: true,
    sites: () => layNetwork(3),
    breakIt: (_, site) => site!.cut(),
    mendIt: (_, site) => site!.mend(),
  });
});
