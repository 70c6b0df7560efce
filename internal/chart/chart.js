// Draws every table[data-chart] above itself. All that is drawn and said is in the table: headings, labels, texts and, as data-v, the values.
(() => {
  "use strict";
  // Told apart by dash and width as well as by colour, so that they stay apart in grey and for who sees colours differently.
  const looks = [
    { stroke: "#17564b", fill: "#17564b", width: 2.5, dash: [] },
    { stroke: "#9a3d12", fill: "#e2a17f", width: 2, dash: [7, 4] },
    { stroke: "#2b2420", fill: "#ffffff", width: 1.5, dash: [2, 3] },
    { stroke: "#5d5249", fill: "#c9bba6", width: 1.5, dash: [12, 3, 2, 3] },
  ];
  const svg = (look, bars) => {
    const ns = "http://www.w3.org/2000/svg", s = document.createElementNS(ns, "svg");
    s.setAttribute("width", "34"); s.setAttribute("height", "14"); s.setAttribute("aria-hidden", "true");
    const e = document.createElementNS(ns, bars ? "rect" : "line");
    const set = bars ? { x: 9, y: 1, width: 16, height: 12, fill: look.fill, stroke: look.stroke, "stroke-width": 1.5 }
      : { x1: 1, x2: 33, y1: 7, y2: 7, stroke: look.stroke, "stroke-width": look.width + .5, "stroke-dasharray": look.dash.join(" ") };
    for (const k in set) e.setAttribute(k, set[k]);
    s.append(e);
    return s;
  };
  const draw = (table, number) => {
    const bars = table.dataset.chart === "bars";
    const heads = [...table.tHead.rows[0].cells].slice(1).map(c => c.textContent);
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 2) return; // one value is no course
    const labels = rows.map(r => r.cells[0].textContent);
    const values = heads.map((_, s) => rows.map(r => { const v = r.cells[s + 1].dataset.v; return v === undefined ? null : Number(v); }));
    const say = i => labels[i] + " : " + heads.map((h, s) => h + " " + rows[i].cells[s + 1].textContent).join(" · ");

    const box = document.createElement("div"), said = document.createElement("p"), key = document.createElement("ul"), room = document.createElement("div");
    box.className = "chart"; said.className = "chart-said"; key.className = "chart-key";
    said.setAttribute("aria-hidden", "true"); key.setAttribute("aria-hidden", "true");
    heads.forEach((h, s) => { const li = document.createElement("li"); li.append(svg(looks[s % looks.length], bars), h); key.append(li); });
    // A slider is what arrows move over, and whose value a reader says.
    room.id = "graphique-" + (number + 1);
    room.tabIndex = 0;
    room.setAttribute("role", "slider");
    room.setAttribute("aria-label", table.caption.textContent + (table.dataset.keys ? ", " + table.dataset.keys : ""));
    room.setAttribute("aria-valuemin", "0");
    room.setAttribute("aria-valuemax", String(rows.length - 1));
    box.append(key, room, said);
    const frame = table.parentElement.classList.contains("table") ? table.parentElement : table;
    frame.before(box);

    const n = heads.length, font = "14px system-ui, sans-serif";
    const path = bars ? (s) => uPlot.paths.bars({ size: [.8 / n, 60], align: n === 1 ? 0 : 1, gap: 0,
      disp: n === 1 ? undefined : { x0: { unit: 1, values: u => u.data[0].map(x => x - .4 + s * .8 / n) }, size: { unit: 1, values: u => u.data[0].map(() => .8 / n) } } }) : () => uPlot.paths.linear();
    let at = -1, plot;
    const show = i => {
      at = Math.max(0, Math.min(rows.length - 1, i));
      said.textContent = say(at);
      room.setAttribute("aria-valuenow", String(at));
      room.setAttribute("aria-valuetext", say(at));
    };
    const width = () => Math.max(180, box.clientWidth - 8);
    plot = new uPlot({
      width: width(), height: 240, legend: { show: false }, cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false, range: [-.5, rows.length - .5] }, y: { range: (u, lo, hi) => {
        const end = Number(table.dataset.max) || 0, most = Math.max(end, hi || 0);
        return [Math.min(0, lo || 0), most > 0 ? (end && most <= end ? end : most * 1.08) : 1];
      } } },
      axes: [
        { font, stroke: "#2b2420", grid: { show: false }, ticks: { stroke: "#8a7a67" }, space: 10,
          splits: u => { const wide = Math.max(...labels.map(l => l.length)) * 8 + 14, step = Math.max(1, Math.ceil(labels.length / Math.max(1, Math.floor(u.bbox.width / devicePixelRatio / wide))));
            return labels.map((_, i) => i).filter(i => i % step === 0); },
          values: (u, s) => s.map(i => labels[i]) },
        { font, stroke: "#2b2420", size: 64, grid: { stroke: "#e2d5c1", width: 1 }, ticks: { stroke: "#8a7a67" },
          values: (u, s) => s.map(v => v.toLocaleString(document.documentElement.lang || "fr")) },
      ],
      series: [{}, ...heads.map((h, s) => { const l = looks[s % looks.length]; return {
        label: h, stroke: l.stroke, width: bars ? 1 : l.width, dash: bars ? undefined : l.dash, fill: bars ? l.fill : undefined,
        paths: path(s), points: { show: !bars && rows.length <= 31 }, spanGaps: false }; })],
      hooks: { setCursor: [u => { if (u.cursor.idx != null && u.cursor.left >= 0) show(u.cursor.idx); }] },
    }, [labels.map((_, i) => i), ...values], room);
    show(rows.length - 1);
    room.addEventListener("keydown", e => {
      const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, Home: 0, End: rows.length - 1, PageUp: at + 7, PageDown: at - 7 }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      show(to);
      plot.setCursor({ left: plot.valToPos(at, "x"), top: 0 }, false);
    });
    new ResizeObserver(() => { if (Math.abs(plot.width - width()) > 1) plot.setSize({ width: width(), height: 240 }); }).observe(box);
  };
  document.querySelectorAll("table[data-chart]").forEach(draw);
})();
