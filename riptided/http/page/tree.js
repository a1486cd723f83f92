"use strict";

/* The levels, to scale. Tables are kept by name, so that what is new, gone or
 * being merged can be seen coming and going. */

class Tree {
  constructor(place, detail) {
    this.place = place;
    this.detail = detail;
    this.hint = detail.textContent;
    this.cells = new Map();
    this.tables = new Map();
    this.inputs = new Set();
    this.first = true;
    place.addEventListener("keydown", (event) => this.walk(event));
  }

  /* Returns the tables that are new, but not those of the first time. */
  draw(tree) {
    const before = this.tables;
    const after = new Map();
    for (const level of tree.levels)
      for (const run of level.runs)
        for (const cell of run) after.set(cell[0], { level: level.level, cell });
    const most = Math.max(1, ...tree.levels.map((level) => level.bytes));
    const focused = document.activeElement?.dataset?.table;
    const gone = [...before.keys()].filter((name) => !after.has(name));
    const come = [...after.keys()].filter((name) => !before.has(name));
    this.ghosts = gone.map((name) => ({ cell: this.cells.get(name), level: before.get(name).level }));
    this.tables = after;
    this.cells = new Map();
    this.place.replaceChildren();
    let empty = [];
    for (const level of tree.levels) {
      if (level.tables === 0 && level.level > 0) {
        empty.push(level.level);
        continue;
      }
      this.emptyRow(empty);
      empty = [];
      this.row(level, most, before);
    }
    this.emptyRow(tree.levels.length > 1 ? empty : []);
    if (focused && this.cells.has(focused)) this.cells.get(focused).focus();
    else this.firstCell()?.setAttribute("tabindex", "0");
    const first = this.first;
    this.first = false;
    return first ? [] : come.map((name) => after.get(name));
  }

  emptyRow(levels) {
    if (levels.length === 0) return;
    const row = element("div", "level empty");
    const name = levels.length === 1 ? "L" + levels[0] :
      "L" + levels[0] + "–" + levels[levels.length - 1];
    const label = element("div", "name", name + " ");
    label.append(element("small", "", "empty"));
    row.append(label, element("div", "track"), element("div", "size"));
    this.place.append(row);
  }

  row(level, most, before) {
    const row = element("div", "level");
    row.dataset.level = level.level;
    const label = element("div", "name", "L" + level.level);
    label.append(element("small", "", plural(level.tables, "table")));
    const track = element("div", "track");
    track.setAttribute("role", "group");
    track.setAttribute("aria-label", "level " + level.level + ", " +
      plural(level.tables, "table") + ", " + bytes(level.bytes));
    const lanes = Math.max(1, level.runs.length);
    const height = Math.max(5, Math.min(26, 150 / lanes));
    for (const run of level.runs) {
      if (run.length === 0) {
        track.append(element("small", "between", plural(level.more, "run") + " between"));
        continue;
      }
      const lane = element("div", "lane");
      lane.style.setProperty("--lane", height + "px");
      for (const cell of run) lane.append(this.cell(level.level, cell, before));
      track.append(lane);
    }
    if (level.runs.length === 0) track.append(element("div", "lane"));
    this.haunt(track, level.level);
    const size = element("div", "size", bytes(level.bytes));
    const bar = element("div", "bar");
    const fill = element("i");
    fill.style.width = 100 * level.bytes / most + "%";
    bar.append(fill);
    size.append(bar);
    row.append(label, track, size);
    this.place.append(row);
  }

  cell(level, data, before) {
    const [name, tables, size, entries, tombstones, low, high] = data;
    const made = element("div", "cell");
    made.dataset.table = name;
    made.style.left = 100 * low + "%";
    made.style.width = Math.max(0, 100 * (high - low)) + "%";
    made.style.setProperty("--tombs", (entries > 0 ? 100 * tombstones / entries : 0) + "%");
    made.setAttribute("role", "img");
    made.setAttribute("tabindex", "-1");
    made.setAttribute("aria-label", this.tell(level, data));
    made.addEventListener("pointerenter", () => this.show(level, data));
    made.addEventListener("focus", () => {
      for (const cell of this.cells.values()) cell.setAttribute("tabindex", "-1");
      made.setAttribute("tabindex", "0");
      this.show(level, data);
    });
    if (!this.first && !before.has(name)) {
      made.classList.add("new");
      setTimeout(() => made.classList.remove("new"), 2500);
    }
    if (this.inputs.has(name)) made.classList.add("input");
    this.cells.set(name, made);
    return made;
  }

  /* Tables that went fade where they were. */
  haunt(track, level) {
    for (const ghost of this.ghosts.filter((one) => one.level === level)) {
      ghost.cell.classList.remove("new");
      ghost.cell.removeAttribute("tabindex");
      ghost.cell.setAttribute("aria-hidden", "true");
      track.firstChild.append(ghost.cell);
      requestAnimationFrame(() => ghost.cell.classList.add("gone"));
      setTimeout(() => ghost.cell.remove(), 800);
    }
  }

  tell(level, [name, tables, size, entries, tombstones, low, high, from, to]) {
    const range = from !== undefined ? "keys " + from + " to " + to :
      "keys from " + (100 * low).toFixed(0) + " % to " + (100 * high).toFixed(0) + " % of the range";
    return (tables > 1 ? tables + " tables from " : "table ") + name + ", level " + level + ": " + bytes(size) + ", " +
      plural(entries, "entry").replace("entrys", "entries") + ", " +
      plural(tombstones, "deletion") + ", " + range;
  }

  show(level, data) {
    this.detail.textContent = this.tell(level, data);
  }

  firstCell() {
    return this.cells.values().next().value;
  }

  /* One stop for the tab key; arrows go from table to table. */
  walk(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const all = [...this.cells.values()];
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    all[(at + step + all.length) % all.length].focus();
  }

  /* The job's line names its inputs: "merge L0 -> L6: d-5 d-4 and 3 more, ...". */
  merge(job) {
    const colon = job.indexOf(":");
    const names = colon < 0 ? [] : job.slice(colon + 1).split(",")[0].match(/\b[dc]\d*-\d+\b/g) || [];
    this.inputs = new Set(names);
    for (const [name, cell] of this.cells) cell.classList.toggle("input", this.inputs.has(name));
  }

  look(path) {
    for (const cell of this.cells.values()) cell.classList.remove("looked", "found");
    for (const probe of this.place.querySelectorAll(".probe")) probe.remove();
    if (!path) return;
    for (const [kind, memtable, , table] of path.steps) {
      const cell = memtable ? null : this.cells.get(table);
      if (cell) cell.classList.add(kind === "value" || kind === "tombstone" ? "found" : "looked");
    }
    for (const track of this.place.querySelectorAll(".level:not(.empty) .track")) {
      const probe = element("div", "probe");
      probe.style.left = 100 * path.place + "%";
      track.append(probe);
    }
  }
}
