import { html } from './markup.js';

/** Colours of series and of drop reasons, classes `c0` on; further ones begin again. */
export const COLOURS = 8;

/**
 * The style of the page. Colours are variables, set once for light and once for dark; the eight colours of the series
 * keep their order in both, and neighbours differ for colour-blind readers too.
 */
export const STYLE = html`<style>
:root {
  --page: #f6f7f9; --card: #fff; --ink: #16191d; --soft: #5b6470; --line: #e3e6ea; --track: #edeff2; --accent: #2563d9;
  --good: #15803d; --good-soft: #e5f5ea; --bad: #c02626; --bad-soft: #fdeaea; --kept: #c9d3e2;
  --c0: #2563d9; --c1: #e07b00; --c2: #0f9d76; --c3: #b83280; --c4: #7c5cd6; --c5: #8a6d1a; --c6: #0891b2; --c7: #cf4a3c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101317; --card: #181c22; --ink: #e8ebef; --soft: #98a2af; --line: #2a3038; --track: #262c34; --accent: #77a8ff;
    --good: #54c77f; --good-soft: #16301f; --bad: #ff7b74; --bad-soft: #3a1a1b; --kept: #3d4a5e;
    --c0: #77a8ff; --c1: #ffab4c; --c2: #41d1a5; --c3: #f07fbd; --c4: #ab93f5; --c5: #d3b04c; --c6: #4cc6e4; --c7: #ff8f7f;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 1080px; padding: 32px 20px 64px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1, h2, h3, h4, p, ul, dl, dd, figure { margin: 0; padding: 0; }
ul { list-style: none; }
h1 { font-size: 34px; line-height: 1.15; letter-spacing: -0.02em; }
h2 { font-size: 21px; letter-spacing: -0.01em; display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; }
h2 > span:first-child { color: var(--soft); font-weight: 400; }
h3 { font-size: 12px; margin: 26px 0 10px; color: var(--soft); text-transform: uppercase; letter-spacing: 0.07em; }
h4 { font-size: 14px; margin: 22px 0 8px; }
small { font-size: 12.5px; color: var(--soft); font-weight: 400; }
code { font: 0.9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.product { color: var(--soft); font-size: 13px; margin-bottom: 4px; }
header dl { display: flex; flex-wrap: wrap; gap: 10px 28px; margin: 14px 0 24px; }
dt { font-size: 12px; color: var(--soft); }
section, .overview, .tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
section { padding: 22px 24px 24px; margin-top: 20px; }
section.failed { border-color: var(--bad); }
.facts { color: var(--soft); font-size: 13.5px; margin-top: 2px; }
.badge { font-size: 12px; font-weight: 600; padding: 1px 9px; border-radius: 99px; white-space: nowrap; letter-spacing: 0; }
.badge.good { color: var(--good); background: var(--good-soft); }
.badge.bad { color: var(--bad); background: var(--bad-soft); }
.badge.plain { color: var(--soft); background: var(--track); }
.note { margin-top: 12px; padding: 9px 13px; border-radius: 8px; background: var(--track); white-space: pre-wrap; font-size: 14px; }
.note.bad, .failed .note { background: var(--bad-soft); }
main > .note { margin: 0 0 16px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(158px, 1fr)); gap: 10px; margin-bottom: 16px; }
.tiles li { padding: 13px 16px 12px; display: flex; flex-direction: column; }
.tiles strong { font-size: 27px; line-height: 1.2; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.tiles span { font-size: 13.5px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 500; }
thead th { font-size: 12px; color: var(--soft); font-weight: 500; }
td, th { padding: 7px 12px; border-top: 1px solid var(--line); vertical-align: middle; }
thead th, .figures tr:first-child > * { border-top: 0; }
td { font-variant-numeric: tabular-nums; }
.overview { border-collapse: separate; border-spacing: 0; }
.overview td:nth-child(n+3):nth-child(-n+5), .overview thead th:nth-child(n+3):nth-child(-n+5),
.operators td, .operators thead th:nth-child(n+2) { text-align: right; white-space: nowrap; overflow-wrap: normal; }
.overview th[scope=row] { min-width: 130px; }
.overview td:last-child { min-width: 190px; }
.operators th, .operators td { padding: 5px 10px; }
.operators th:first-child { padding-left: 0; min-width: 150px; }
.operators td:last-child, .operators thead th:last-child { padding-right: 0; }
.blocks { columns: 380px; column-gap: 36px; }
.figures { break-inside: avoid; margin-bottom: 18px; }
.figures caption { text-align: left; font-weight: 600; padding-bottom: 4px; }
.figures th, .figures td { padding: 5px 0; }
.figures th small { display: block; line-height: 1.3; }
.figures .bar { width: 34%; padding: 5px 14px; }
.figures .number { text-align: right; width: 74px; white-space: nowrap; font-weight: 600; overflow-wrap: normal; }
.track { display: block; height: 8px; border-radius: 4px; background: var(--track); overflow: hidden; }
.track span { display: block; height: 100%; min-width: 1px; border-radius: 4px; background: var(--c0); }
.gates li { padding: 3px 0; font-weight: 500; }
.gates span { color: var(--soft); font-weight: 400; }
li.good, .sum.good { color: var(--good); } li.bad, .sum.bad { color: var(--bad); }
.gates code { color: var(--ink); }
.sum b { font-variant-numeric: tabular-nums; }
.flow { margin: 10px 0 12px; } .flow tbody tr > * { border-top: 0; }
.operators .band { position: relative; min-width: 160px; width: 34%; height: 38px; padding: 0; }
.band svg { position: absolute; inset: 0; width: 100%; height: 100%; } .band .kept { fill: var(--kept); }
.operators .reasons { text-align: left; } .operators.flow thead th:nth-child(4) { text-align: left; }
i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 6px; }
.c0 { background: var(--c0); stroke: var(--c0); fill: var(--c0); } .c1 { background: var(--c1); stroke: var(--c1); fill: var(--c1); }
.c2 { background: var(--c2); stroke: var(--c2); fill: var(--c2); } .c3 { background: var(--c3); stroke: var(--c3); fill: var(--c3); }
.c4 { background: var(--c4); stroke: var(--c4); fill: var(--c4); } .c5 { background: var(--c5); stroke: var(--c5); fill: var(--c5); }
.c6 { background: var(--c6); stroke: var(--c6); fill: var(--c6); } .c7 { background: var(--c7); stroke: var(--c7); fill: var(--c7); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 22px 28px; }
figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 16px; font-size: 13.5px; margin-bottom: 4px; }
figcaption span { color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font-size: 11.5px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .y text { text-anchor: end; } svg .x text { text-anchor: middle; }
.grid path { stroke: var(--line); stroke-width: 1; }
.line { fill: none; background: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
figcaption small { margin-left: -8px; }
.bars rect { fill: var(--c0); opacity: 0.75; } .bars rect:hover { opacity: 1; } .axis { stroke: var(--line); }
.threshold path { stroke: var(--bad); stroke-width: 1.4; stroke-dasharray: 4 3; } .threshold text { fill: var(--bad); text-anchor: middle; font-weight: 600; }
.faint { opacity: 0.3; stroke-width: 1; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 225px), 1fr)); gap: 12px; }
.gallery li { display: flex; gap: 12px; padding: 10px; border: 1px solid var(--line); border-radius: 10px; color: inherit; border-left-width: 4px; }
.gallery li.good { border-left-color: var(--good); } .gallery li.bad { border-left-color: var(--bad); }
.gallery img { width: 64px; height: 64px; object-fit: contain; flex: none; border-radius: 6px; background: #fff; }
.gallery .none { width: 64px; height: 64px; flex: none; border-radius: 6px; border: 1px dashed var(--line); display: grid; place-content: center; text-align: center; font-size: 11px; line-height: 1.2; color: var(--soft); }
.dropped { grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); } .dropped li { border-left-width: 1px; }
.dropped img { border: 1px solid var(--line); } .dropped div > small { display: block; margin-top: 4px; line-height: 1.3; }
.gallery div { min-width: 0; flex: 1; } .gallery p { line-height: 1.35; } .gallery .expected { margin-top: 4px; color: var(--soft); }
@media (max-width: 560px) {
  body { padding: 20px 12px 40px; } section { padding: 18px 16px; } h1 { font-size: 27px; }
  .overview thead, .overview td:nth-child(4), .overview td:nth-child(5), .overview td:empty { display: none; }
  .overview, .overview tbody { display: block; }
  .overview tr { display: grid; grid-template-columns: 1fr auto auto; align-items: center; gap: 0 12px; padding: 9px 12px; }
  .overview tr + tr { border-top: 1px solid var(--line); }
  .overview th, .overview td { border: 0; padding: 0; } .overview td:last-child { grid-column: 1 / -1; color: var(--soft); font-size: 13px; }
  .operators { font-size: 12.5px; } .operators th, .operators td { padding: 5px 4px; } .operators th:first-child { min-width: 0; }
  svg text { font-size: 13.5px; }
  .tiles { grid-template-columns: 1fr 1fr; } .tiles strong { font-size: 23px; } .figures .bar { width: 24%; padding: 5px 10px; }
}
@media print { body { background: none; max-width: none; } section { break-inside: avoid; } }
</style>`;
