/** @file What a study's server is told. */
import { isIP } from "node:net";
import { UserError } from "../errors.ts";

export interface ServeOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** One code for everybody, where the crowdsourcing site wants it so; by default everybody gets one of their own. */
  readonly completionCode?: string;
  /** Where the last page leads; `{code}` stands for the code. */
  readonly returnTo?: string;
  /** Milliseconds without an answer after which a place is free for others. */
  readonly idle?: number;
  /** Addresses and networks of proxies, whose word is taken for where a request comes from; others' is not. */
  readonly trustProxy?: readonly string[];
  /** Told once, where requests seem to come through a proxy that is not trusted. */
  readonly onProxy?: () => void;
}

/** @throws UserError for what is no address and no network */
export function trusted(proxies: readonly string[] | undefined): string[] | false {
  if (!proxies) return false;
  const strange = proxies.find((proxy) => {
    const [address, bits = "0", ...rest] = proxy.split("/");
    const most = { 4: 32, 6: 128 }[isIP(address)];
    return most === undefined || rest.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most;
  });
  if (strange !== undefined)
    throw new UserError(
      "invalid-option",
      `invalid proxy: "${strange}"; allowed is an address or a network, such as 127.0.0.1 or 10.0.0.0/8`,
    );
  return [...proxies];
}
