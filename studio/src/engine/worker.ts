/** @file The worker that runs networks. The work itself is in `desk.ts`. */
import { answerCalls, tellNotKept } from "./answering.ts";
import { Desk } from "./desk.ts";

answerCalls(new Desk(tellNotKept));
