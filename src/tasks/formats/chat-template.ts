/** @file What a person asks as a vision-language model reads it: the template of its conversations, in Jinja, as `transformers` has it. */
import { isRecord, UserError } from "../../errors.ts";
import type { Json, ModelFolder } from "./folder.ts";

/** @returns a conversation of a picture and a question, as text, up to where the model answers */
export type ChatTemplate = (question: string) => string;

/** @throws UserError `missing-file` where the directory has none, `invalid-input` for one that cannot be read. */
export async function chatTemplate(folder: ModelFolder, config: Json): Promise<ChatTemplate> {
  const text = await templateText(folder, config);
  const { Template } = await import("@huggingface/jinja"); // few models need it
  const tokens = Object.fromEntries(specialTexts.map((name) => [name, tokenText(config[name]) ?? ""]));
  const render = (question: string): string => {
    const content = [{ type: "image" }, { type: "text", text: question }];
    try {
      const messages = [{ role: "user", content }];
      return new Template(text).render({ messages, add_generation_prompt: true, ...tokens });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
      throw new UserError("invalid-input", `invalid chat template: ${reason}`, { cause });
    }
  };
  return render;
}

const specialTexts = ["bos_token", "eos_token", "pad_token"] as const;

/** A token's text, as a string or in an object. */
export function tokenText(token: unknown): string | undefined {
  const text = isRecord(token) ? token.content : token;
  return typeof text === "string" ? text : undefined;
}

async function templateText(folder: ModelFolder, config: Json): Promise<string> {
  const written = await folder.text("chat_template.jinja", "chat template");
  const { chat_template: apart } = await folder.json("chat_template.json", "chat template");
  const found = written ?? apart ?? config.chat_template;
  if (typeof found === "string") return found;
  throw new UserError(
    "missing-file",
    `missing chat template: ${folder.files.path("chat_template.jinja")}: no such file, nor a chat_template in tokenizer_config.json`,
  );
}
