"""The look of the drift site: what it has beyond every page of ours."""

from features.page_style import PAGE_STYLE

STYLE = (
    PAGE_STYLE
    + """
.map { display: block; width: 100%; height: auto; max-height: 78vh; background: var(--panel);
  border-radius: 12px; padding: 8px; }
.map path { stroke: var(--ground); stroke-width: 2; fill-rule: evenodd; }
.map text { font-size: 30px; font-weight: 700; text-anchor: middle; dominant-baseline: central;
  fill: var(--strong); paint-order: stroke; stroke: var(--ground); stroke-width: 6px;
  pointer-events: none; }
.map a:hover path, .map a:focus path { stroke: var(--link); stroke-width: 6; }
.calm { fill: var(--calm); background: var(--calm); }
.d1 { fill: var(--d1); background: var(--d1); }
.d2 { fill: var(--d2); background: var(--d2); }
.d3 { fill: var(--d3); background: var(--d3); }
.map .d1, .map .d2, .map .d3 { stroke: var(--strong); stroke-width: 4; }
.map .pooled { stroke-dasharray: 10 8; stroke: var(--edge); stroke-width: 3; }
.map .untested { fill: url(#hatch); stroke: var(--edge); }
.hatch-ground { fill: var(--panel); } .hatch-line { stroke: var(--edge); stroke-width: 3; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 20px; list-style: none; padding: 0;
  margin: 12px 0; font-size: .9rem; }
.legend i { display: inline-block; width: 18px; height: 18px; border-radius: 4px;
  border: 1px solid var(--edge); vertical-align: middle; margin-right: 6px; text-align: center;
  font: 700 12px/16px system-ui, sans-serif; color: var(--on1); }
.legend .d1, .legend .d2, .legend .d3 { border: 2px solid var(--strong); line-height: 14px; }
.legend .d3 { color: var(--on3); } .legend .d2 { color: #000; }
.legend .pooled { border: 2px dashed var(--edge); }
.legend .untested { background: repeating-linear-gradient(45deg, var(--panel) 0 3px,
  var(--edge) 3px 5px); }
tr:target, tbody:target, li:target { background: var(--panel);
  box-shadow: -4px 0 0 var(--link); }
tbody.cell tr:not(:last-child) td, tbody.cell tr:not(:last-child) th { border-bottom: 0; }
tbody.cell th.about { padding-top: 20px; font-size: 1.1rem; color: var(--text); }
tbody.cell th.about a { font-size: .95rem; } tbody.cell th.about .quiet { font-weight: 400; }
tbody.cell th[scope=row] { font-weight: 500; font-size: .95rem; }
.chip { display: inline-block; padding: 0 8px; border: 1px solid var(--line);
  border-radius: 999px; font-size: .85rem; color: var(--quiet); }
@media (max-width: 640px) {
  tbody.cell { border-bottom: 2px solid var(--line); }
  tbody.cell tr { border-bottom: 0; }
}
@media print { .map { max-height: none; } }
"""
)
