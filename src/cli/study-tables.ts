/** @file What `gradcam study` prints of a study's state and of its findings. */
import type { Estimate } from "../array/statistics.ts";
import type { Analysis, Figure, Mean } from "../study/analysis.ts";
import { kinds } from "../study/kinds/index.ts";
import type { Status } from "../study/status.ts";
import { bold, yellow } from "./terminal.ts";

const marked = (synthetic: boolean): string => (synthetic ? ` ${yellow("(synthetic)")}` : "");

export function statusLines(file: string, { kind, origin, participants, ratings, items }: Status): string[] {
  const { finished, missed, active, away } = participants;
  const fraction = ((100 * ratings.done) / ratings.wanted).toFixed(0);
  return [
    `${bold(file)}: ${kind}${marked(origin === "synthetic")}`,
    `  ${ratings.done} of ${ratings.wanted} ratings (${fraction} %)`,
    `  participants: ${finished} counted, ${missed} failed a check, ${active} in progress, ${away} left`,
    `  items by ratings: ${items
      .map((count, n) => `${count} with ${n}`)
      .filter((_, n) => items[n])
      .join(", ")}`,
  ];
}

export function analysisTable(analysis: Analysis): string[] {
  const { kind, synthetic, measure, participants, ratings, chance, means, differences } = analysis;
  const { fraction } = kinds[kind].scale;
  const wide = Math.max(0, ...[...means, ...differences].map((figure) => nameOf(figure).length));
  const line = (figure: Figure) => `  ${nameOf(figure).padEnd(wide)}  ${estimate(figure.both, fraction)}`;
  const extra = ({ agreement, paper }: Mean) =>
    `, agreement ${Number.isNaN(agreement) ? "none" : agreement.toFixed(2)}${paper === undefined ? "" : `, paper ${plain(paper, fraction)}`}`;
  return [
    `${bold(kind)}: ${measure}${marked(synthetic)}`,
    `  ${ratings} ratings from ${participants.counted} participants; excluded: ${participants["missed a check"]} failed a check, ${participants.unfinished} unfinished; chance level ${plain(chance, fraction)}`,
    ...means.map((mean) => line(mean) + extra(mean)),
    ...(differences.length ? [bold("differences"), ...differences.map(line)] : []),
  ];
}

const nameOf = ({ condition, than }: Figure): string => (than === undefined ? condition : `${condition} - ${than}`);

const plain = (value: number, fraction: boolean): string =>
  fraction ? `${(100 * value).toFixed(1)} %` : value.toFixed(2);

const estimate = ({ value, low, high }: Estimate, fraction: boolean): string =>
  `${plain(value, fraction)} [${plain(low, fraction)}, ${plain(high, fraction)}]`;
