/** @file The style of reports. */
import { colours } from "./colours.ts";

export const reportStyle = `${colours}
main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.5rem, 1.2rem + 2vw, 2.25rem); margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; }
p { max-width: 42rem; margin: 0 0 1rem; }
.kicker { color: var(--muted); margin: 0 0 0.25rem; }
.synthetic { background: var(--accent); color: var(--on-accent); padding: 0.75rem 1rem; border-radius: 0.5rem; max-width: none; }
.chart { margin: 2rem 0; }
.row { display: grid; grid-template-columns: 14rem 4.5rem 1fr; align-items: center; gap: 0 0.75rem; padding: 0.35rem 0; }
.value { text-align: right; font-variant-numeric: tabular-nums; font-weight: 600; }
.track { position: relative; height: 2rem; margin: 0 0.75rem; background: linear-gradient(var(--line), var(--line)) center / 100% 1px no-repeat; }
.track i { position: absolute; top: 50%; transform: translateY(-50%); }
.wide { height: 2px; background: var(--ink); }
.narrow { height: 9px; background: var(--accent); opacity: 0.45; border-radius: 2px; }
i.mean { width: 13px; height: 13px; margin-left: -6.5px; border-radius: 50%; background: var(--accent); border: 2px solid var(--paper); }
i.paper { width: 12px; height: 12px; margin-left: -6px; background: var(--paper); border: 2px solid var(--ink); rotate: 45deg; transform-origin: center; translate: 0 -50%; transform: none !important; }
i.chance { height: 100%; border-left: 2px dashed var(--muted); margin-left: -1px; }
.axis .track { height: 1.25rem; background: linear-gradient(var(--line), var(--line)) top / 100% 1px no-repeat; color: var(--muted); font-size: 0.875rem; }
.axis span { position: absolute; transform: translateX(-50%); white-space: nowrap; top: 0.15rem; }
.stack { display: flex; height: 1.75rem; margin: 0 0.75rem; border-radius: 0.25rem; overflow: hidden; }
.stack i { font-style: normal; font-size: 0.8125rem; display: grid; place-items: center; overflow: hidden; }
.s0 { background: #31456a; color: #fff; } .s1 { background: #9aa9c5; color: #1c1b19; } .s2 { background: #dcd7ce; color: #1c1b19; } .s3 { background: #eab08d; color: #1c1b19; } .s4 { background: #a63a12; color: #fff; }
figcaption { display: flex; flex-wrap: wrap; gap: 0.35rem 1.25rem; margin-top: 1rem; color: var(--muted); font-size: 0.9375rem; }
figcaption span { display: inline-flex; align-items: center; gap: 0.4rem; }
.key { display: inline-block; width: 1.25rem; height: 0.75rem; flex: none; }
.key.mean { width: 0.75rem; border-radius: 50%; background: var(--accent); } .key.wide { height: 2px; } .key.narrow { height: 9px; }
.key.chance { width: 0; border-left: 2px dashed var(--muted); height: 1rem; } .key.paper { width: 0.6rem; height: 0.6rem; border: 2px solid var(--ink); rotate: 45deg; }
/* What lies beyond the edge of a narrow screen shows as a shadow there. */
.scroll {
  overflow-x: auto;
  background: linear-gradient(to left, var(--paper) 30%, transparent) right / 3rem 100% no-repeat local, linear-gradient(to left, var(--line), transparent) right / 1rem 100% no-repeat scroll;
}
table { border-collapse: collapse; font-size: 0.9375rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { text-align: right; padding: 0.4rem 0.625rem; border-bottom: 1px solid var(--line); }
td { white-space: nowrap; }
thead th { vertical-align: bottom; font-weight: 600; color: var(--muted); }
th:first-child { text-align: left; padding-left: 0; min-width: 8rem; }
tbody th { font-weight: 600; }
li { max-width: 42rem; margin-bottom: 0.5rem; }
ul { padding-left: 1.25rem; }
footer { margin-top: 3rem; color: var(--muted); font-size: 0.875rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 40rem) {
  th:first-child { position: sticky; left: 0; min-width: 9rem; max-width: 10rem; background: var(--paper); overflow-wrap: break-word; }
  .row { grid-template-columns: 1fr auto; } .track, .stack { grid-column: 1 / -1; } .axis .name, .axis .value { display: none; }
}
`;
