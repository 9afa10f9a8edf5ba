// POST a picture to /explain?class=espresso: where the class is seen in it. One model for all requests.
import Fastify from "fastify";
import { load } from "gradcam/node";

const model = await load();
const app = Fastify({ bodyLimit: 20e6 });
app.addContentTypeParser(/^image\//, { parseAs: "buffer" }, (_request, body, done) => done(null, body));

app.post("/explain", async ({ body, query }, reply) => {
  try {
    const { explanations } = await model.explain(body, { classes: [query.class ?? "top1"] });
    return explanations.map(({ label, peak, box, map }) => ({ label, peak, box, map: Array.from(map.data) }));
  } catch (error) {
    if (error.name !== "UserError") throw error;
    return reply.code(400).send({ code: error.code, message: error.message }); // no picture, no such class ...
  }
});
app.addHook("onClose", () => model.release());

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" });
console.log(
  `curl -H "content-type: image/jpeg" --data-binary @../images/cat-and-cup.jpg "${address}/explain?class=espresso"`,
);
