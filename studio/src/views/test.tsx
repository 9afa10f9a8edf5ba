/** @file Test: take away what the map points at, and see whether the network minds; hold the map against others. */
import type { Numbers, SanityStage } from "../engine/contract.ts";
import { agreement, alike, figure } from "../parts/agreement.ts";
import { Brush, BrushTools } from "../parts/brush.tsx";
import { Canvas } from "../parts/canvas.tsx";
import { draw, thumbnail } from "../parts/heat.ts";
import { Hero } from "../parts/hero.tsx";
import { Job } from "../parts/job.tsx";
import { Stage } from "../parts/stage.tsx";
import { clean } from "../state/brush.ts";
import { answer, chosen, colours, likelihood, model, seen, shortLabel, untouched } from "../state/studio.ts";

export function Test() {
  const here = model.value?.inside !== undefined;
  if (model.value?.detects)
    return (
      <div class="work">
        <Hero>
          <Stage />
          <p class="hint">The brush and the checks are for classifiers; this model is a detector.</p>
        </Hero>
      </div>
    );
  return (
    <div class="work">
      <Hero>
        <Stage>{here && <Brush />}</Stage>
        {here ? (
          <BrushTools dirty={untouched.value !== undefined} onClean={() => void clean()} />
        ) : (
          <p class="hint">Painting over the picture, and shuffling weights, need the model on this device.</p>
        )}
      </Hero>
      <aside class="side">
        <Scores />
        <Job
          call="occlude"
          title="Occlusion"
          what="Hides one patch after another and measures how far the score drops. It uses no gradient, so it can contradict the map."
          button="Hide patches"
        >
          {({ map, ...likeness }) => (
            <>
              <div class="twins">
                {answer.value && <Small map={answer.value.answer.map} title="The map" />}
                <Small map={map} title="Occlusion" />
              </div>
              <p>
                Rank correlation <strong data-correlation>{figure(likeness.correlation)}</strong>. {agreement(likeness)}
              </p>
            </>
          )}
        </Job>
        {here && (
          <Job
            call="sanity"
            title="Sanity check"
            what="Shuffles the network's weights layer by layer, starting at the score. A map that stays the same does not depend on what the network learned."
            button="Shuffle the weights"
          >
            {(stages) => <Stages stages={stages} />}
          </Job>
        )}
      </aside>
    </div>
  );
}

/** The classes that were likeliest before the brush, and what has become of them. */
function Scores() {
  const sight = seen.value;
  if (!sight) return null;
  const before = untouched.value ?? sight;
  const top = [...new Set([chosen.value ?? before.ranking[0], ...before.ranking.slice(0, 4), sight.ranking[0]])];
  return (
    <section class="scores" aria-label="Scores">
      <h2>Predictions now</h2>
      <ul>
        {top.map((index) => (
          <li key={index} class={chosen.value === index ? "row chosen" : "row"} data-class={index}>
            <span class="bar" style={{ "--share": sight.probabilities[index] }} />
            <span class="before" style={{ "--share": before.probabilities[index] }} />
            <span class="label">{shortLabel(index)}</span>
            <span class="number">{likelihood(sight, index)}</span>
          </li>
        ))}
      </ul>
      <p class="hint">
        {untouched.value
          ? "The line marks the probability before."
          : model.value?.inside && "Paint over the picture to see which fall."}
      </p>
    </section>
  );
}

function Small({ map, title }: { readonly map: Numbers; readonly title: string }) {
  return (
    <figure class="small">
      <Canvas draw={(canvas) => draw(canvas, thumbnail(map, colours.value))} on={[map, colours.value]} />
      <figcaption>{title}</figcaption>
    </figure>
  );
}

function Stages({ stages }: { readonly stages: readonly SanityStage[] }) {
  const all = stages.at(-1);
  if (!all) return null;
  return (
    <>
      <ol class="stages">
        {answer.value && (
          <li>
            <Small map={answer.value.answer.map} title="trained" />
            <span>1.00</span>
          </li>
        )}
        {stages.map(({ shuffled, map, correlation }) => (
          <li key={shuffled}>
            <Small map={map} title={shuffled === all.shuffled ? `all ${shuffled}` : `${shuffled}`} />
            <span data-correlation>{figure(correlation)}</span>
          </li>
        ))}
      </ol>
      <p>
        {alike(all)
          ? "The map hardly changes. It shows the picture's structure rather than the network's reasons."
          : Math.abs(all.correlation) < 0.5
            ? "The map changes: it depends on what the network learned."
            : "The map changes in part: it still resembles that of the trained network."}
      </p>
    </>
  );
}
