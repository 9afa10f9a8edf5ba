/** @file The question in words, and the three ways to put it. */
import {
  asking,
  chosen,
  likelihood,
  loading,
  looking,
  model,
  question,
  rival,
  type Stance,
  seen,
  shortLabel,
  stance,
  untouched,
} from "../state/studio.ts";

const stanceTitles: Readonly<Record<Stance, string>> = { for: "For", versus: "Rather than", against: "Against" };

/** A picture that no network has seen yet. */
function Waiting() {
  const waits = loading.value !== undefined || (looking.value && model.value !== undefined);
  return (
    <header class="sentence">
      <p class="figures" role="status">
        {seen.value?.boxes?.length === 0
          ? seen.value.remark
          : waits
            ? "The picture will be explained as soon as the model has loaded."
            : "Not explained yet: no model has been loaded."}
      </p>
    </header>
  );
}

export function Sentence() {
  const asked = question.value;
  const sight = seen.value;
  if (!asked || !sight) return <Waiting />;
  const { class: index, against, counterfactual } = asked;
  const name = <em>{shortLabel(index)}</em>;
  return (
    <header class="sentence">
      <div>
        <h1>
          {counterfactual ? <>Evidence against {name}</> : <>Why {name}</>}
          {against !== undefined && (
            <>
              {" "}
              rather than <em>{shortLabel(against)}</em>
            </>
          )}
          {!counterfactual && "?"}
        </h1>
        <p class="figures" aria-live="polite">
          {likelihood(sight, index)}, score {sight.scores[index].toFixed(2)}, place {sight.ranking.indexOf(index) + 1}{" "}
          of {sight.ranking.length.toLocaleString("en")}
          {untouched.value && ", in the picture as edited"}
          {asking.value !== undefined && asking.value < 1 && `, ${Math.round(100 * asking.value)} %`}
        </p>
      </div>
      <fieldset class="segments">
        <legend class="unseen">Kind of question</legend>
        {(Object.keys(stanceTitles) as Stance[]).map((kind) => (
          <label key={kind}>
            <input
              type="radio"
              name="stance"
              checked={stance.value === kind}
              onChange={() => {
                if (kind === "versus" && (rival.value === undefined || rival.value === chosen.value))
                  rival.value = sight.ranking.find((c) => c !== chosen.value);
                stance.value = kind;
              }}
            />
            <span>{stanceTitles[kind]}</span>
          </label>
        ))}
      </fieldset>
    </header>
  );
}
