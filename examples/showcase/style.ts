/** The stylesheet. It is a module because an application for every platform can't rely on a file system. */
export const STYLE = `:root {
  color-scheme: light dark;
  --text: light-dark(#1d2430, #e4e7ec);
  --quiet: light-dark(#56606f, #a3adbb);
  --ground: light-dark(#fbfbf9, #14181f);
  --raised: light-dark(#ffffff, #1c222b);
  --line: light-dark(#dcdfe4, #333c48);
  --accent: light-dark(#0b5c8a, #7cc4f0);
  --on-accent: light-dark(#ffffff, #0c1a24);
  --tint: light-dark(#e6f0f6, #1d3342);
  font: 1.0625rem/1.6 system-ui, sans-serif;
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); overflow-wrap: break-word; }
a { color: var(--accent); text-underline-offset: 0.15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: 1rem; top: -4rem; padding: 0.5rem 1rem; background: var(--raised); z-index: 1; }
.skip:focus { top: 0.5rem; }

header, main { max-width: 54rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.25rem; }
nav { border-bottom: 1px solid var(--line); }
.brand { margin: 0 0 0.5rem; }
.brand a { color: inherit; text-decoration: none; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem; margin: 0 -0.625rem; padding: 0 0 0.75rem; list-style: none; }
nav a { display: block; padding: 0.25rem 0.625rem; border-radius: 0.375rem; color: var(--quiet); text-decoration: none; }
nav a:hover { color: var(--accent); text-decoration: underline; }
nav a[aria-current] { background: var(--tint); color: var(--accent); font-weight: 600; }
main { padding-top: 1.5rem; padding-bottom: 4rem; }

h1 { margin: 0 0 1rem; font-size: clamp(1.6rem, 5vw, 2.2rem); line-height: 1.2; letter-spacing: -0.015em; text-wrap: balance; }
h2 { margin: 2.25rem 0 0.75rem; font-size: 1.25rem; line-height: 1.3; }
form h2 { margin-top: 0; }
p { margin: 0 0 1rem; max-width: 42rem; }
.lead { font-size: 1.2rem; color: var(--quiet); }
.platform { display: inline-block; padding: 0.375rem 0.875rem; border-radius: 2rem; background: var(--tint); }
i { color: var(--quiet); }
.empty { color: var(--quiet); font-style: italic; }
.note { margin-top: 2rem; padding: 0.75rem 1rem; border-left: 3px solid var(--accent); background: var(--tint); }

code, pre { font: 0.9em/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; }
pre { margin: 0 0 1rem; padding: 0.875rem 1rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 0.5rem; background: var(--raised); }
pre code { font-size: 1em; }

.parts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 0.875rem; margin: 0; padding: 0; list-style: none; }
.parts + p { margin-top: 1.75rem; }
.parts li { position: relative; padding: 1rem 1.125rem; border: 1px solid var(--line); border-radius: 0.625rem; background: var(--raised); }
.parts li:hover { border-color: var(--accent); }
.parts a { font-weight: 600; text-decoration: none; }
.parts a::after { content: ""; position: absolute; inset: 0; }
.parts p { margin: 0.25rem 0 0; font-size: 0.95rem; line-height: 1.45; }
.parts p:last-child { margin-top: 0.5rem; color: var(--quiet); }

.code { margin-top: 3rem; }
.code h3 { margin: 1.5rem 0 0.375rem; font-size: 0.9rem; font-weight: 600; color: var(--quiet); }
.code pre { max-height: 36rem; overflow: auto; font-size: 0.8rem; }
.code p { font-size: 0.95rem; }

table { width: 100%; margin: 0 0 1.75rem; border-collapse: collapse; font-size: 0.95rem; }
caption { padding-bottom: 0.375rem; text-align: left; font-weight: 600; color: var(--quiet); }
th, td { padding: 0.375rem 1rem 0.375rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 500; }
tbody th { width: 16rem; }
thead th { color: var(--quiet); }
.stack li, .pieces li { margin-bottom: 0.25rem; }
.stack code { font-weight: 600; }

.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(16rem, 100%), 1fr)); gap: 1rem; }
.columns form { padding: 1.125rem 1.25rem 1.25rem; border: 1px solid var(--line); border-radius: 0.625rem; background: var(--raised); }
label { margin-right: 1rem; }
p > label { display: block; margin: 0 0 0.25rem; font-weight: 500; }
fieldset { margin: 0 0 1rem; padding: 0; border: 0; }
legend { padding: 0; margin-bottom: 0.25rem; font-weight: 500; }
input { font: inherit; accent-color: var(--accent); }
input:not([type=checkbox]) { width: 100%; padding: 0.5rem 0.75rem; border: 1px solid var(--quiet); border-radius: 0.375rem; background: var(--ground); color: inherit; }
::file-selector-button { margin-right: 0.75rem; padding: 0.25rem 0.75rem; border: 1px solid var(--line); border-radius: 0.375rem; background: var(--tint); color: inherit; font: inherit; }
button { padding: 0.5rem 1.125rem; border: 0; border-radius: 0.375rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; cursor: pointer; }
button:hover { filter: brightness(1.1); }
.buttons { display: flex; flex-wrap: wrap; gap: 0.625rem; margin-bottom: 1.75rem; }
.count { margin: 0 0 0.5rem; font-size: 3.5rem; line-height: 1.1; font-weight: 700; font-variant-numeric: tabular-nums; }
.sum { display: grid; grid-template-columns: auto 1fr; gap: 0.25rem 1.25rem; margin: 0 0 1.5rem; padding: 1rem 1.25rem; border-radius: 0.625rem; background: var(--tint); }
.sum dt { color: var(--quiet); }
.sum dd { margin: 0; overflow-wrap: anywhere; }

@media (min-width: 80rem) {
  header, main { max-width: 92rem; }
  main { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 3rem; align-items: start; }
  .code { margin-top: 0; }
  .code h2:first-child { margin-top: 0.5rem; }
  tbody th { width: 12rem; }
}
@media (max-width: 36rem) {
  tbody tr { display: block; padding: 0.375rem 0; border-top: 1px solid var(--line); }
  thead { display: none; }
  tbody th, td { display: block; width: auto; padding: 0; border: 0; }
  tbody th { font-size: 0.85rem; color: var(--quiet); }
}
`;
