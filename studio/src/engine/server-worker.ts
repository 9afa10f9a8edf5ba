/**
 * @file The worker that asks a server. It is started when a person says so, and it alone may connect elsewhere: the page's content security
 * policy, and that of the worker that runs networks, allow no other place than their own (`sw.ts`).
 */
import { answerCalls } from "./answering.ts";
import { ServerDesk } from "./server-desk.ts";

answerCalls(new ServerDesk());
