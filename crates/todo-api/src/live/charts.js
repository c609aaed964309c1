// Charts over one axis of time, with a mark for each event and a cursor.

/** The namespace of shapes, as the parser of HTML knows it. */
const SVG = document.getElementById("svg").namespaceURI;

function shape(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** A round number at or above this one. */
function roundUp(number) {
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= number);
}

const linear = (most) => ({ at: (value) => value / most, ticks: [0, most / 2, most] });
const logarithmic = (low, high) => ({
  at: (value) => Math.log(Math.max(value, low) / low) / Math.log(high / low),
  ticks: [low, low * 10, low * 100, low * 1000, low * 10_000].filter((tick) => tick <= high),
});

/** One chart: its title, how a value is written, its lines, and perhaps areas on top of each other. */
class Chart {
  constructor({ title, unit, lines = [], areas = [], scale }) {
    Object.assign(this, { unit, lines, areas, scale, title });
    this.svg = shape("svg", { role: "img", "aria-label": title });
    this.figure = el("figure", { class: "chart" }, el("figcaption", {}, title), this.svg);
  }

  /** Draws the series up to now, the marks, and the cursor at a point. */
  draw(series, now, marks, cursor) {
    const box = this.svg.getBoundingClientRect();
    const [width, height] = [Math.max(box.width, 50), Math.max(box.height, 50)];
    // Room for the labels, in the size of their letters.
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const inner = { left: 3.3 * rem, right: width - 6, top: 0.8 * rem, bottom: height - 1.2 * rem };
    const values = series.filter((point) => point.figures);
    const total = (figures) => this.areas.reduce((sum, area) => sum + area.of(figures), 0);
    const highest = values.map(({ figures }) => Math.max(total(figures), ...this.lines.map((line) => line.of(figures) ?? 0)));
    const scale = this.scale ?? linear(roundUp(Math.max(...highest, this.least ?? 1)));
    const x = (at) => inner.right - ((now - at) / SPAN) * (inner.right - inner.left);
    const y = (value) => inner.bottom - Math.min(1, scale.at(value)) * (inner.bottom - inner.top);
    const drawn = [...this.axes(inner, scale, y, x, now), ...this.stacks(values, x, y), ...this.curves(series, x, y)];
    let lettered = Infinity;
    for (const mark of marks) {
      if (mark.at < now - SPAN) continue;
      drawn.push(shape("line", { class: "mark", x1: x(mark.at), x2: x(mark.at), y1: inner.top, y2: inner.bottom }));
      // Letters that would lie on each other are left out; the marks come from the right.
      if (lettered - x(mark.at) < 11) continue;
      lettered = x(mark.at);
      drawn.push(shape("text", { class: "letter", x: x(mark.at), y: inner.top - 2, "text-anchor": "middle" }, mark.letter));
    }
    if (cursor) drawn.push(shape("line", { class: "cursor", x1: x(cursor.at), x2: x(cursor.at), y1: inner.top, y2: inner.bottom }));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren(...drawn);
    this.svg.setAttribute("aria-label", `${this.title}: ${this.says((cursor ?? values[values.length - 1])?.figures)}`);
    this.moment = (clientX) => now - ((inner.right - (clientX - box.left)) / (inner.right - inner.left)) * SPAN;
  }

  axes(inner, scale, y, x, now) {
    const lines = scale.ticks.flatMap((tick) => [
      shape("line", { class: "axis", x1: inner.left, x2: inner.right, y1: y(tick), y2: y(tick) }),
      shape("text", { x: inner.left - 5, y: y(tick) + 4, "text-anchor": "end" }, this.unit(tick)),
    ]);
    const few = inner.right - inner.left < 360;
    const minutes = (few ? [0, 2, 4] : [0, 1, 2, 3, 4, 5]).map((ago) =>
      shape("text", { x: x(now - ago * 60_000), y: inner.bottom + (this.svg.clientHeight - inner.bottom) * 0.75, "text-anchor": ago === 0 ? "end" : ago === 5 ? "start" : "middle" },
        ago ? `−${ago} min` : "now"));
    return [...lines, ...minutes];
  }

  /** Areas on top of each other. */
  stacks(values, x, y) {
    let below = values.map(() => 0);
    return this.areas.map(({ key, of }) => {
      const above = values.map(({ figures }, at) => below[at] + of(figures));
      const upper = values.map(({ at }, index) => `${x(at).toFixed(1)},${y(above[index]).toFixed(1)}`);
      const lower = values.map(({ at }, index) => `${x(at).toFixed(1)},${y(below[index]).toFixed(1)}`).reverse();
      below = above;
      return shape("polygon", { class: `area f-${key}`, points: [...upper, ...lower].join(" ") });
    });
  }

  /** Lines, with a gap where nothing was counted. */
  curves(series, x, y) {
    return this.lines.map(({ key, of }) => {
      let pen = "M";
      const steps = series.map(({ at, figures }) => {
        const value = figures && of(figures);
        if (value === undefined || value === null) {
          pen = "M";
          return "";
        }
        const step = `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
        pen = "L";
        return step;
      });
      return shape("path", { class: `line l-${key}`, d: steps.join("") || "M0 0" });
    });
  }

  /** The figures in words. */
  says(figures) {
    if (!figures) return "nothing yet";
    return [...this.areas, ...this.lines].map(({ words, of }) => `${words} ${this.unit(of(figures))}`).join(", ");
  }
}

/** All charts; `bounds` gives the bounds of the latency buckets. */
function charts(bounds) {
  const line = (key, words, of) => ({ key, words, of });
  return [
    new Chart({
      title: "Requests a second, by outcome", unit: short,
      areas: OUTCOMES.map(([key, words]) => line(key, words, (figures) => figures.rates[key])),
    }),
    new Chart({
      title: "Latency: p50 (solid), p99 (dashed)", unit: time, scale: logarithmic(0.1, 10_000),
      lines: [0.5, 0.99].map((share) =>
        line(`p${share * 100}`, `p${share * 100}`, (figures) => quantile(figures.latency, bounds(), share))),
    }),
    new Chart({ title: "Loads of the store a second", unit: short, lines: [line("loads", "loads", (figures) => figures.loads)] }),
    new Chart({ title: "Lag of the change stream", unit: time, scale: logarithmic(1, 10_000), lines: [line("lag", "lag", (figures) => figures.lag)] }),
  ];
}
