/** @file What a Redis that says no means to the user, by how its error begins or by the error's code. */

const refusals: readonly (readonly [RegExp, string])[] = [
  [/\bNOAUTH\b|called without any password/, "it wants a password: redis://:PASSWORD@host:port"],
  [/\bWRONGPASS\b|invalid password/, "it knows no such user and password"],
  [/\bNOPERM\b/, "its user has no right to what a queue does; keys begin with gradcam:"],
  [/\bOOM command/, "its memory is full (maxmemory)"],
  [/\bREADONLY\b/, "it is read-only, a replica; name the server that it is a copy of"],
  [/\bMISCONF\b/, "it takes nothing, as it cannot write to its disk"],
  [/\bLOADING\b/, "it is still loading its data"],
  [/\bMASTERDOWN\b/, "it is a replica that has lost the server that it is a copy of"],
  [/\b(MOVED|CLUSTERDOWN|CROSSSLOT)\b/, "it is a cluster, on which no queue runs; name a single server"],
  [/DB index is out of range/, "it has no database of this number"],
  [/^ERR unknown command/, "it is too old, or commands are switched off"],
  [/Protocol error/, "it is no Redis"],
  [/wrong version number|packet length too long|EPROTO/i, "it speaks no TLS; an address without is redis://"],
  [/certificate|^CERT_|^ERR_TLS|^DEPTH_ZERO/i, "its certificate is not trusted"],
  [/ENOTFOUND|EAI_AGAIN/, "no such host"],
];

/** Why there is no way to a Redis, in a user's words. */
export function reasonOf({ code, message }: Error & { readonly code?: string }): string {
  const said = [code ?? "", message];
  const [, told] = refusals.find(([form]) => said.some((one) => form.test(one))) ?? [];
  return told ?? code ?? message;
}

/** The same where Redis itself has said no: it is there, and asking again changes nothing. */
export const refusalIn = (error: unknown): string | undefined =>
  error instanceof Error && error.name === "ReplyError" ? reasonOf(error) : undefined;
