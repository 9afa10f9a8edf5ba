/** @file What a person asks as a vision-language model reads it: the template of its conversations, in Jinja, as `transformers` has it. */
import { firstLine, isRecord, UserError } from "../../errors.ts";
import type { ModelFolder } from "./folder.ts";
import type { Json } from "./json.ts";

/**
 * @returns of a question, a conversation of a picture and the question, as text, up to where the model answers
 * @throws UserError `missing-file` where the directory has none, `invalid-input` for one that cannot be read.
 */
export async function chatTemplate(folder: ModelFolder, config: Json): Promise<(question: string) => string> {
  const text = await templateText(folder, config);
  const { Template } = await import("@huggingface/jinja"); // few models need it
  const special = ["bos_token", "eos_token", "pad_token"];
  const tokens = Object.fromEntries(special.map((name) => [name, tokenText(config[name]) ?? ""]));
  return (question) => {
    const content = [{ type: "image" }, { type: "text", text: question }];
    try {
      const messages = [{ role: "user", content }];
      return new Template(text).render({ messages, add_generation_prompt: true, ...tokens });
    } catch (cause) {
      throw new UserError("invalid-input", `invalid chat template: ${firstLine(cause)}`, { cause });
    }
  };
}

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
  const name = "chat_template.jinja";
  const seen = `${folder.files.path(name)}: no such file, nor a chat_template in tokenizer_config.json`;
  throw new UserError("missing-file", `missing chat template: ${seen}`);
}
