"use strict";

/* A visitor of the live page: a headless Chromium that looks at what is shown.
 *
 *   node visitor.js URL SHOTS-DIRECTORY
 *
 * Prints "ok NAME" or "not ok NAME why" for each fact, and "do WORD" when
 * something is to happen to the server; then it waits for a line. */

const path = require("path");
const readline = require("readline");
const { chromium } = require("playwright-core");

const [, , url, shots] = process.argv;
const PATIENCE_MS = 60000;
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function fact(name, holds, why) {
  console.log(holds ? "ok " + name : "not ok " + name + " " + JSON.stringify(why ?? ""));
}

async function have(word) {
  console.log("do " + word);
  await lines.next();
}

/* In the page: the first thing that the selector finds and whose text fits. */
async function see(page, name, selector, text) {
  try {
    await page.waitForFunction(([s, t]) => [...document.querySelectorAll(s)].some(
      (one) => new RegExp(t).test(one.textContent)), [selector, text ?? ""],
    { timeout: PATIENCE_MS, polling: 50 });
    fact(name, true);
  } catch (error) {
    fact(name, false, error.message + await page.textContent("body"));
  }
}

async function fits(page, width) {
  await page.setViewportSize({ width, height: 800 });
  const [inner, all] = await page.evaluate(() => [innerWidth, Math.max(
    document.documentElement.scrollWidth, document.body.scrollWidth)]);
  fact("it_fits_into_" + width + "_pixels", all <= inner, [inner, all]);
}

async function visit(browser) {
  const context = await browser.newContext({ viewport: { width: 1240, height: 1400 }, colorScheme: "light" });
  const page = await context.newPage();
  const errors = [], thrown = [], asked = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) errors.push(message.text());
  });
  page.on("pageerror", (error) => thrown.push(error.message));
  page.on("request", (request) => asked.push(request.url()));
  const shot = (name) => page.screenshot({ path: path.join(shots, name + ".png"), fullPage: true });

  await page.goto(url);
  await see(page, "it_says_that_the_server_is_ready", "#state", "^ready$");
  await have("write");
  await see(page, "a_flush_is_told", "#news li", "Flush: (a memtable|\\d+ memtables) became table");
  await see(page, "its_table_is_in_level_0", '.level[data-level="0"] .cell[data-table^="d-"]');
  await have("delete");
  await see(page, "deletions_are_told", "#news li", "[1-9][\\d,]* deletions? among");
  fact("deletions_are_drawn", await page.evaluate(() => [...document.querySelectorAll(".cell")].some(
    (cell) => cell.style.getPropertyValue("--tombs") !== "0%")));
  await see(page, "the_way_of_a_read_is_shown", "#path li", "memtable");
  await shot("level0");

  const first = page.locator(".cell[tabindex='0']");
  fact("one_table_is_a_stop_of_the_tab_key", await first.count() === 1);
  await first.focus();
  await page.keyboard.press("ArrowRight");
  await see(page, "arrows_walk_to_the_next_one", "#table-detail", "table d-\\d+, level 0: .* entries");
  fact("all_that_can_be_pressed_has_a_name", await page.evaluate(() => [...document.querySelectorAll("button, input, img")].every(
    (one) => one.textContent || one.hasAttribute("alt") || one.labels?.length > 0)));

  await have("merge");
  await see(page, "a_merge_is_seen_to_run", "#compactor-state", "^running$");
  await see(page, "its_inputs_are_marked", ".cell.input");
  await shot("merge");
  await have("finish");
  await see(page, "its_end_is_told", "#news li", "Compactor: merge L\\d+ → L\\d+");
  await see(page, "what_it_dropped_is_told", "#jobs .dropped b", "deletion");
  await see(page, "its_outputs_lie_below", '.level:not([data-level="0"]) .cell[data-table^="c"]');
  await see(page, "times_are_told", "#writes-now", "p50 .* p99|none");
  await shot("merged");

  fact("no_error_is_in_its_console", errors.length === 0, errors);
  fact("nothing_is_asked_of_elsewhere", asked.every((one) => one.startsWith(url)), asked);

  await page.emulateMedia({ colorScheme: "dark" });
  const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
  fact("it_is_dark_where_that_is_wanted", back.every((one) => one < 64), back);
  await shot("dark");
  await fits(page, 360);
  await shot("phone");
  await fits(page, 320);
  await page.setViewportSize({ width: 1240, height: 1400 });

  await page.click("#pause");
  const before = await page.textContent("#up");
  await page.waitForTimeout(1500);
  fact("it_can_be_held", await page.textContent("#up") === before);
  await page.click("#pause");

  await page.fill("#demo-key", "mine");
  await page.click("[data-deed=set]");
  await see(page, "a_visitors_write_is_done", "#demo-said", "written");
  await see(page, "and_its_key_is_followed", "#read-key", "demo:mine");
  await see(page, "to_where_it_is", "#path .value", "memtable");
  await page.click("[data-deed=del]");
  await see(page, "its_deletion_is_seen", "#path .tombstone", "memtable");

  await have("stop");
  await see(page, "a_server_that_is_gone_is_noticed", "#state", "no (connection|answer)");
  await have("start");
  await see(page, "it_comes_back_by_itself", "#state", "^ready$");
  await see(page, "and_says_so", "#news li", "started again");
  await page.fill("#demo-key", "another");
  await page.click("[data-deed=set]");
  await see(page, "the_demo_goes_on_with_it", "#read-key", "demo:another");
  fact("no_script_has_failed", thrown.length === 0, thrown);
}

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  try {
    await visit(browser);
  } catch (error) {
    fact("the_visit", false, error.message);
  }
  await browser.close();
  process.exit(0);
}

main();
