"""What the drift site adds to the look of every page."""

from features.pages.style import STYLE as BASE

STYLE = (
    BASE
    + """
.calm { fill: var(--calm); background: var(--calm); }
.d1 { fill: var(--d1); background: var(--d1); }
.d2 { fill: var(--d2); background: var(--d2); }
.d3 { fill: var(--d3); background: var(--d3); }
.map .d1, .map .d2, .map .d3 { stroke: var(--strong); stroke-width: 4; }
.map .pooled { stroke-dasharray: 10 8; stroke: var(--edge); stroke-width: 3; }
.legend .d1, .legend .d2, .legend .d3 { border: 2px solid var(--strong); line-height: 14px; }
.legend .d3 { color: var(--on3); } .legend .d2 { color: #000; }
.legend .pooled { border: 2px dashed var(--edge); }
.legend .untested { background: repeating-linear-gradient(45deg, var(--panel) 0 3px,
  var(--edge) 3px 5px); }
tbody.cell tr:not(:last-child) td, tbody.cell tr:not(:last-child) th { border-bottom: 0; }
tbody.cell th.about { padding-top: 20px; font-size: 1.1rem; color: var(--text); }
tbody.cell th.about a { font-size: .95rem; } tbody.cell th.about .quiet { font-weight: 400; }
th[scope=row] .quiet { font-weight: 400; } th[scope=col] { overflow-wrap: normal; }
tbody.cell th[scope=row] { font-weight: 500; font-size: .95rem; }
@media (max-width: 640px) {
  tbody.cell { border-bottom: 2px solid var(--line); }
  tbody.cell tr { border-bottom: 0; }
}
"""
)
