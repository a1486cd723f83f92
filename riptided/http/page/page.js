"use strict";

/* The page: samples arrive as server-sent events, `tree` when the tree has
 * changed and `tick` four times a second, and are drawn. Nothing is asked of the
 * server but that stream, and what the demo does. */

const $ = (id) => document.getElementById(id);
const tree = new Tree($("tree"), $("table-detail"));
const charts = {
  writes: new Chart($("writes-chart"), ["p50", "p99"], { log: true, show: nanoseconds }),
  reads: new Chart($("reads-chart"), ["p50", "p99"], { log: true, show: nanoseconds }),
  ops: new Chart($("ops-chart"), ["p50"], { log: false, show: count }),
};
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const TICKS_EACH_LOOK = 4;
const SILENCE_MS = 3000;
const NEWS_MAX = 60;
const TOLD_ONE_BY_ONE = 3;

let last = null;        /* the tick before */
let second = null;      /* the tick that the last points were drawn from */
let ticks = 0;
let heard = 0;
let paused = false;
let source = null;
let jobSeen = null;

/* -- news -- */

function news(text, at) {
  const item = element("li");
  const time = element("time", "", new Date(at).toLocaleTimeString("en-GB"));
  item.append(time, text);
  const list = $("news");
  list.prepend(item);
  while (list.children.length > NEWS_MAX) list.lastChild.remove();
}

/* -- state -- */

function setState(word, kind, title) {
  const state = $("state");
  if (state.textContent !== word) state.textContent = word;
  state.className = "pill " + kind;
  state.title = title || "";
}

function drawState(tick) {
  if (tick.state === "loading") {
    const [done, all] = tick.loaded;
    setState("loading " + (all > 0 ? Math.round(100 * done / all) : 0) + " %", "busy",
      "the log is being read again");
  } else if (tick.state === "read-only") {
    setState("read-only", "bad", tick.why);
  } else {
    setState("ready", "good");
  }
  $("clients").textContent = count(tick.clients);
  $("up").textContent = duration(tick.up);
}

/* -- the log and the memtables -- */

function keepChildren(parent, wanted, make) {
  while (parent.children.length < wanted) parent.append(make());
  while (parent.children.length > wanted) parent.lastChild.remove();
}

/* One segment belongs to each memtable, oldest first on the left. */
function drawLog(tick) {
  const wal = tick.wal;
  const box = $("segments");
  const shown = Math.min(16, Math.max(1, wal.segments));
  keepChildren(box, shown, () => {
    const made = element("div", "segment");
    made.append(element("i"));
    return made;
  });
  [...box.children].forEach((segment, i) => {
    const memtable = tick.memtables[shown - 1 - i];
    segment.classList.toggle("full", i < shown - 1);
    segment.firstChild.style.width = memtable ? Math.min(100, 100 * memtable[0] / memtable[1]) + "%" : "100%";
  });
  box.setAttribute("aria-label", plural(wal.segments, "segment") + " of the log, " + bytes(wal.bytes));
  const entries = Math.max(1, tick.memtables.reduce((sum, m) => sum + m[2], 0));
  const part = (from, to) => Math.max(0, Math.min(100, 100 * (to - from) / entries)) + "%";
  const [disk, file, memory] = $("sync-bar").children;
  const begin = wal.visible - entries;
  disk.style.width = part(begin, Math.max(begin, wal.durable));
  file.style.width = part(Math.max(begin, wal.durable), wal.in_file);
  memory.style.width = part(wal.in_file, wal.visible);
  const waits = wal.visible - wal.durable;
  $("sync-bar").setAttribute("aria-label", waits > 0 ? plural(waits, "write") + " not on the disk yet" : "all writes are on the disk");
  $("log-figures").replaceChildren(element("b", "", plural(wal.segments, "segment")), ", " + bytes(wal.bytes) +
    " still needed · " + count(wal.syncs) + " syncs · write " + count(wal.visible) +
    (waits > 0 ? ", " + count(waits) + " of them not on the disk yet" : ", all on the disk"));
}

function drawMemtables(tick) {
  const box = $("memtables");
  const list = tick.memtables;
  keepChildren(box, list.length, () => {
    const made = element("div", "memtable");
    const glass = element("div", "glass");
    glass.append(element("i"), element("b"));
    made.append(glass, element("span"));
    return made;
  });
  [...box.children].forEach((made, i) => {
    const [held, max, entries] = list[list.length - 1 - i];
    const frozen = i < list.length - 1;
    const percent = Math.min(100, 100 * held / max);
    made.classList.toggle("frozen", frozen);
    const [glass, label] = made.children;
    glass.firstChild.style.height = percent + "%";
    glass.lastChild.textContent = Math.round(percent) + " %";
    label.textContent = (frozen ? "frozen, being flushed" : "taking writes") + " · " + plural(entries, "write");
  });
  const [held, max] = list[0];
  $("mem-figures").textContent = bytes(held) + " of " + bytes(max) + " · " + plural(tick.flushes, "flush").replace("flushs", "flushes") +
    " since the start, " + bytes(tick.flush_bytes) + " of tables";
}

/* A flushed memtable flies to its place. */
function fly(from, to) {
  if (calm.matches || !from || !to || document.hidden) return;
  const a = from.getBoundingClientRect(), b = to.getBoundingClientRect();
  if (b.top > innerHeight || a.bottom < 0 || document.querySelector(".flying")) return;
  const block = element("div", "flying");
  document.body.append(block);
  const at = (r) => ({ left: r.left + "px", top: r.top + "px", width: Math.max(8, r.width) + "px", height: r.height + "px" });
  block.animate([{ ...at(a), opacity: .9 }, { ...at(b), opacity: .9, offset: .85 }, { ...at(b), opacity: 0 }],
    { duration: 900, easing: "ease-in-out" }).finished.then(() => block.remove(), () => block.remove());
}

/* -- the tree -- */

function drawTree(data) {
  const glass = $("memtables").querySelector(".memtable.frozen .glass") || $("memtables").querySelector(".glass");
  const come = tree.draw(data);
  const flushed = come.filter((one) => one.cell[0].startsWith("d-") && one.level === 0);
  if (flushed.length > 0) fly(glass, tree.cells.get(flushed[0].cell[0]));
  /* Who listens to the news is told of many at once. */
  if (flushed.length > TOLD_ONE_BY_ONE) {
    const sum = (i) => flushed.reduce((all, one) => all + one.cell[i], 0);
    news("Flush: " + flushed.length + " memtables became tables, " + bytes(sum(2)) + " with " +
      plural(sum(4), "deletion") + " among " + count(sum(3)) + " entries.", Date.now());
    return;
  }
  for (const one of flushed) {
    news("Flush: a memtable became table " + one.cell[0] + ", " + bytes(one.cell[2]) + " with " +
      count(one.cell[3]) + " entries" + (one.cell[4] > 0 ? ", " + plural(one.cell[4], "deletion") + " among them" : "") +
      ". Its part of the log is free.", Date.now());
  }
}

/* -- the compactor -- */

function drawJob(job, largest) {
  const item = element("li");
  const levels = "L" + job.from + " → L" + job.to;
  item.append(element("b", "", job.deed + " " + levels), " · " + plural(job.inputs, "table") + " in, " +
    job.outputs + " out · " + duration(job.took_ms / 1000) + (job.outcome === "done" ? "" : " · " + job.outcome));
  const flow = element("div", "flow");
  const bars = [["in", job.bytes_in], ["out", job.bytes_out]].map(([side, size]) => {
    const bar = element("div", "bar " + side), fill = element("i");
    fill.style.width = 100 * size / largest + "%";
    bar.append(fill);
    bar.title = bytes(size) + " " + side;
    return bar;
  });
  flow.append(bars[0], element("span", "", bytes(job.bytes_in) + " → " + bytes(job.bytes_out)), bars[1]);
  item.append(flow);
  const [versions, tombstones, expired] = job.dropped;
  const parts = [[versions, "old version"], [tombstones, "deletion"], [expired, "expired value"]]
    .filter(([n]) => n > 0).map(([n, word]) => plural(n, word));
  const dropped = element("div", "dropped", parts.length > 0 ? "dropped " : "nothing dropped");
  if (parts.length > 0) dropped.append(element("b", "", parts.join(", ")));
  item.append(dropped);
  return item;
}

function tellJobs(jobs, now) {
  const newest = jobs.length > 0 ? jobs[0].number : 0;
  if (jobSeen !== null)
    for (const job of jobs.filter((one) => one.number > jobSeen).reverse())
      news("Compactor: " + job.deed + " L" + job.from + " → L" + job.to + ", " + plural(job.inputs, "table") + " into " +
        job.outputs + ", " + bytes(job.bytes_in) + " into " + bytes(job.bytes_out) + "; dropped " +
        plural(job.dropped[0], "old version") + ", " + plural(job.dropped[1], "deletion") + ", " +
        plural(job.dropped[2], "expired value") + ".", now);
  const isNew = newest !== jobSeen;
  jobSeen = newest;
  return isNew;
}

function drawCompactor(tick) {
  const c = tick.compactor;
  const state = $("compactor-state");
  state.textContent = c.state;
  state.className = "pill " + { running: "busy", idle: "good" }[c.state];
  if (c.state === "absent") state.className = "pill bad";
  $("compactor-phase").textContent = c.state === "absent" ? "none runs: level 0 grows until one does" : c.phase !== c.state ? c.phase : "";
  tree.merge(c.job);
  const percent = c.all > 0 ? Math.min(100, 100 * c.done / c.all) : 0;
  const bar = $("merge-bar");
  bar.firstElementChild.style.width = percent + "%";
  bar.setAttribute("aria-valuenow", Math.round(percent));
  const parts = [];
  if (c.job) {
    const [, deed, from, to] = c.job.match(/^(\w+) L(\d+) -> L(\d+)/) || [];
    if (deed) parts.push(deed + " of L" + from + " into L" + to);
    if (c.all > 0) parts.push(bytes(c.done) + " of " + bytes(c.all));
    if (c.rate > 0) parts.push(bytes(c.rate) + "/s");
    if (c.eta > 0) parts.push("about " + duration(c.eta) + " left");
  }
  parts.push(c.debt > 0 ? bytes(c.debt) + " due" : "nothing due");
  $("merge-figures").textContent = parts.join(" · ");
  if (tellJobs(c.jobs, tick.now) || $("jobs").childElementCount === 0) {
    const shown = c.jobs.slice(0, 3);
    const largest = Math.max(1, ...shown.map((job) => Math.max(job.bytes_in, job.bytes_out)));
    $("jobs").replaceChildren(...(shown.length > 0 ? shown.map((job) => drawJob(job, largest)) :
      [element("li", "dropped", "no job so far")]));
  }
}

/* -- a read -- */

const ANSWERS = {
  absent: "not here",
  filtered: "the filter says no",
  value: "found",
  tombstone: "deleted: the search ends",
  disk: "would be read from the disk",
  broken: "could not be read",
};

function drawPath(tick) {
  const path = tick.path;
  tree.look(path);
  if (!path) {
    $("read-key").textContent = "no table yet, so no key to look up";
    $("path").replaceChildren();
    return;
  }
  $("read-key").textContent = path.key !== undefined ? "key “" + path.key + "”" :
    "a key at " + (100 * path.place).toFixed(1) + " % of the range of keys";
  const items = path.steps.map(([kind, memtable, number, table, cached]) => {
    const item = element("li", kind, memtable ? (number === 0 ? "memtable" : "frozen memtable") : "L" + number + " · " + table);
    let answer = ANSWERS[kind];
    if (!memtable && kind === "value") answer += cached ? ", block in the cache" : ", block from the file";
    if (!memtable && kind === "absent") answer = "block read in vain";
    item.append(element("small", "", answer));
    return item;
  });
  const end = path.steps.length > 0 ? path.steps[path.steps.length - 1][0] : "";
  if (end === "absent" || end === "filtered") {
    const item = element("li", "end", path.cut ? "…" : "nowhere");
    item.append(element("small", "", path.cut ? "and further" : "there is no such key"));
    items.push(item);
  }
  if (path.passed > 0) {
    const item = element("li", "end", plural(path.passed, "run"));
    item.append(element("small", "", "passed by: out of range"));
    items.push(item);
  }
  $("path").replaceChildren(...items);
}

function drawCache(tick) {
  const { hits, misses } = tick.cache;
  const looks = hits + misses;
  $("cache-figures").textContent = "Block cache " + bytes(tick.cache.bytes) + " of " + bytes(tick.cache.max) +
    (looks > 0 ? ", " + (100 * hits / looks).toFixed(1) + " % of looks answered" : "") +
    " · filters saved " + plural(tick.filtered, "read");
}

/* -- time -- */

function drawTimes(tick) {
  if (second === null || tick.run !== second.run || tick.now <= second.now) {
    second = tick;
    return;
  }
  const seconds = (tick.now - second.now) / 1000;
  if (seconds < 0.9) return;
  let all = 0;
  for (const kind of ["writes", "reads"]) {
    const calls = Math.max(0, tick[kind].calls - second[kind].calls);
    const below = difference(tick[kind].below, second[kind].below);
    const values = [quantile(below, .5), quantile(below, .99)];
    charts[kind].add(values);
    const text = values[0] === null ? "none" :
      "p50 " + nanoseconds(values[0]) + ", p99 " + nanoseconds(values[1]);
    $(kind + "-now").textContent = text;
    charts[kind].say("time of " + kind + " in the last five minutes; now " + text);
    $(kind + "-rate").textContent = count(calls / seconds);
    all += calls / seconds;
  }
  charts.ops.add([all]);
  $("ops-now").textContent = count(all);
  charts.ops.say("commands a second in the last five minutes; now " + count(all));
  second = tick;
}

/* -- the stream -- */

function drawTick(tick) {
  const restarted = last !== null && last.run !== tick.run;
  if (restarted) {
    news("The daemon was started again.", tick.now);
    second = null;
  }
  drawState(tick);
  if (tick.state !== "loading") {
    if (last?.memtables && !restarted && tick.memtables.length > last.memtables.length)
      news("The memtable is full: it is frozen, and a new one takes the writes.", tick.now);
    drawLog(tick);
    drawMemtables(tick);
    drawCompactor(tick);
    if (ticks % TICKS_EACH_LOOK === 0 || demo.follows) drawPath(tick);
    drawCache(tick);
    drawTimes(tick);
    ticks++;
  }
  last = tick;
}

function listen() {
  source = new EventSource("events");
  source.addEventListener("tree", (event) => {
    if (!paused) drawTree(JSON.parse(event.data));
  });
  source.addEventListener("tick", (event) => {
    heard = performance.now();
    if (!paused) drawTick(JSON.parse(event.data));
  });
  source.addEventListener("error", () => setState("no connection", "bad"));
}

/* The browser tries again by itself, but not after an answer like 503. */
setInterval(() => {
  const silent = performance.now() - heard > SILENCE_MS;
  if (!paused && silent) setState("no answer", "bad");
  if (source.readyState === EventSource.CLOSED) listen();
}, 1000);

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Go on" : "Pause";
  if (paused) {
    source.close();
    return;
  }
  second = null;
  listen();
});

/* -- the demo -- */

const demo = { token: null, follows: false };

function send(name) {
  const body = new URLSearchParams({ deed: name, key: $("demo-key").value, value: $("demo-value").value });
  return fetch("demo", { method: "POST", body, headers: { "X-Riptide-Token": demo.token } });
}

async function fetchToken() {
  const reply = await fetch("demo");
  demo.token = reply.ok ? (await reply.text()).trim() : "";
}

/* A daemon that was started again has another token. */
async function deed(name) {
  try {
    let reply = await send(name);
    if (reply.status === 403) {
      await fetchToken();
      reply = await send(name);
    }
    const said = await reply.text();
    $("demo-said").textContent = said.trim();
    demo.follows = reply.ok && (demo.follows || ["set", "get", "del"].includes(name));
  } catch (error) {
    $("demo-said").textContent = "no answer: " + error.message;
  }
}

async function openDemo() {
  await fetchToken();
  if (demo.token === "") return;
  $("demo").hidden = false;
  $("demo-form").addEventListener("submit", (event) => {
    event.preventDefault();
    deed("set");
  });
  for (const button of document.querySelectorAll("#demo-form button[type=button]"))
    button.addEventListener("click", () => deed(button.dataset.deed));
}

listen();
openDemo();
