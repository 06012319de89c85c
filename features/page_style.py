"""The look of every page that gridkeep writes: no script, nothing from elsewhere."""

PAGE_STYLE = """
:root { color-scheme: light dark;
  --ground: #ffffff; --panel: #f5f6f8; --text: #1b2430; --quiet: #55606e; --line: #d5dae1;
  --link: #0b5cad; --calm: #dfe5ec; --d1: #f7c873; --d2: #e8823a; --d3: #a8322a;
  --edge: #8893a1; --strong: #1b2430; --on1: #1b2430; --on3: #ffffff; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #12161c; --panel: #1b212a; --text: #e8ecf1; --quiet: #a3adba; --line: #343d49;
  --link: #7db8f5; --calm: #2b3440; --d1: #8a6414; --d2: #c9651c; --d3: #f0776c;
  --edge: #5d6977; --strong: #f2f4f7; --on1: #ffffff; --on3: #12161c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.1rem; font-weight: 600; color: var(--quiet); margin: 0; }
.verdict { font-size: clamp(1.5rem, 4.5vw, 2.2rem); line-height: 1.2; font-weight: 700;
  margin: 4px 0 8px; text-wrap: balance; }
h2 { font-size: 1.25rem; margin: 40px 0 8px; }
p { margin: 0 0 12px; max-width: 72ch; }
.quiet, caption { color: var(--quiet); font-size: .9rem; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; margin-bottom: 12px; }
caption { text-align: left; padding: 0 0 8px; }
th, td { text-align: left; padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--quiet); font-weight: 600; font-size: .85rem; }
th[scope=row] { color: var(--text); font-size: 1rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
details { margin: 12px 0; } summary { cursor: pointer; padding: 6px 0; }
ul { padding-left: 20px; margin: 0 0 12px; } li { overflow-wrap: anywhere; }
@media (max-width: 640px) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, caption, tbody, tr { display: block; }
  tr { padding: 8px 0; border-bottom: 1px solid var(--line); }
  th, td { display: block; border: 0; padding: 1px 0; }
  td[data-label] { display: flex; justify-content: space-between; gap: 16px; }
  td[data-label]::before { content: attr(data-label); color: var(--quiet); flex: none; }
  .number { text-align: right; white-space: normal; }
}
@media print { details > * { display: block; } }
"""
