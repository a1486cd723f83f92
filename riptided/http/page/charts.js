"use strict";

/* Numbers for people, quantiles from counts, and lines over time. */

function bytes(n) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return (unit > 0 && n < 100 ? n.toFixed(1) : Math.round(n)) + " " + units[unit];
}

function count(n) {
  return Math.round(n).toLocaleString("en-US");
}

function nanoseconds(ns) {
  if (ns < 1e3) return Math.round(ns) + " ns";
  if (ns < 1e6) return (ns / 1e3).toFixed(ns < 1e4 ? 1 : 0) + " µs";
  if (ns < 1e9) return (ns / 1e6).toFixed(ns < 1e7 ? 1 : 0) + " ms";
  return (ns / 1e9).toFixed(1) + " s";
}

function duration(s) {
  if (s < 60) return Math.round(s) + " s";
  if (s < 3600) return Math.round(s / 60) + " min";
  if (s < 86400) return (s / 3600).toFixed(1) + " h";
  return Math.round(s / 86400) + " d";
}

function plural(n, word) {
  return count(n) + " " + word + (n === 1 ? "" : "s");
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/* below[i]: how many were below 2^(8+i) ns. Between two powers they are taken
 * to lie evenly. null: there were none. */
const FIRST_BIT = 8;

function quantile(below, part) {
  const all = below[below.length - 1];
  if (all <= 0) return null;
  const wanted = all * part;
  let i = 0;
  while (below[i] < wanted) i++;
  const low = i === 0 ? 0 : 2 ** (FIRST_BIT + i - 1);
  const high = 2 ** (FIRST_BIT + i);
  const before = i === 0 ? 0 : below[i - 1];
  return low + (high - low) * (wanted - before) / Math.max(1, below[i] - before);
}

function difference(now, before) {
  return now.map((n, i) => n - before[i]);
}

const POINTS = 300;
const SVG = "http://www.w3.org/2000/svg";

/* Lines over the last POINTS seconds; a gap where nothing was known. */
class Chart {
  constructor(place, lines, options) {
    this.lines = lines.map((name) => ({ name, values: new Array(POINTS).fill(null) }));
    this.options = options;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", "0 0 300 100");
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("role", "img");
    for (const y of [25, 50, 75]) {
      const line = document.createElementNS(SVG, "line");
      line.setAttribute("class", "grid");
      line.setAttribute("x1", 0);
      line.setAttribute("x2", 300);
      line.setAttribute("y1", y);
      line.setAttribute("y2", y);
      this.svg.append(line);
    }
    for (const line of this.lines) {
      line.path = document.createElementNS(SVG, "path");
      line.path.setAttribute("class", line.name);
      this.svg.append(line.path);
    }
    this.scale = element("div", "scale");
    this.bottom = element("span");
    this.top = element("span");
    this.scale.append(element("span", "", "5 min ago"), this.bottom, this.top, element("span", "", "now"));
    place.append(this.svg, this.scale);
  }

  add(values) {
    this.lines.forEach((line, i) => {
      line.values.shift();
      line.values.push(values[i]);
    });
    this.draw();
  }

  draw() {
    const known = this.lines.flatMap((line) => line.values).filter((v) => v !== null);
    if (known.length === 0) return;
    const log = this.options.log;
    const of = (v) => (log ? Math.log10(Math.max(1, v)) : v);
    let low = log ? Math.min(...known) / 1.5 : 0;
    let high = Math.max(...known) * (log ? 1.5 : 1.15);
    if (high <= low) high = low + 1;
    const from = of(low), to = of(high);
    for (const line of this.lines) {
      let path = "", pen = false;
      line.values.forEach((v, x) => {
        if (v === null) {
          pen = false;
          return;
        }
        const y = 98 - 96 * (of(v) - from) / (to - from);
        path += (pen ? "L" : "M") + x + " " + y.toFixed(1);
        if (!pen) path += "h.01";
        pen = true;
      });
      line.path.setAttribute("d", path);
    }
    this.bottom.textContent = "bottom " + this.options.show(low);
    this.top.textContent = "top " + this.options.show(high);
  }

  say(text) {
    this.svg.setAttribute("aria-label", text);
  }
}
