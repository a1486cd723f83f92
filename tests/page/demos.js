"use strict";

/* Films of the live page, as frames: node demos.js URL FRAMES-DIRECTORY. Prints
 * "do WORD" when something is to happen to the server, then waits for a line. */

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { chromium } = require("playwright-core");

const [, , url, frames] = process.argv;
const FRAME_MS = 200;
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function have(word) {
  console.log("do " + word);
  return lines.next();
}

/* Frames of these sections while what is to happen happens. */
async function film(page, name, sections, happen) {
  await page.evaluate((shown) => {
    for (const section of document.querySelectorAll("main > section"))
      section.hidden = !shown.some((title) => section.getAttribute("aria-labelledby") === title + "-title");
    for (const part of document.querySelectorAll("header, footer, .what")) part.hidden = true;
    document.querySelector("header").style.display = "none";
    document.querySelector("#jobs").style.minHeight = "4.5rem";
    document.querySelector("#path").style.minHeight = "3.4rem";
  }, sections);
  const directory = path.join(frames, name);
  fs.mkdirSync(directory);
  /* One size for all of them, with room for lines that break. */
  const height = await page.evaluate(() => document.querySelector("main").scrollHeight + 24);
  const room = sections.includes("merge") ? 110 : 0;
  let over = false, number = 0;
  const happening = happen().finally(() => { over = true; });
  while (!over) {
    const next = Date.now() + FRAME_MS;
    await page.screenshot({
      path: path.join(directory, String(number++).padStart(4, "0") + ".png"),
      clip: { x: 0, y: 0, width: 860, height: height + room },
    });
    await sleep(Math.max(0, next - Date.now()));
  }
  await happening;
}

function see(page, selector, text) {
  return page.waitForFunction(([s, t]) => [...document.querySelectorAll(s)].some(
    (one) => new RegExp(t).test(one.textContent)), [selector, text], { polling: 50, timeout: 60000 });
}

async function press(page, deed, pause) {
  /* Also where it is not in the picture. */
  await page.evaluate((name) => document.querySelector("[data-deed=" + name + "]").click(), deed);
  await sleep(pause);
}

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 860, height: 1200 }, colorScheme: "light" });
  await page.goto(url);
  await see(page, "#state", "^ready$");

  await film(page, "write", ["demo", "log", "mem"], async () => {
    await sleep(600);
    await press(page, "set", 1200);
    for (let i = 0; i < 4; i++) await press(page, "fill", 700);
    await sleep(600);
  });
  await film(page, "flush", ["log", "mem", "tree"], async () => {
    await have("fill");
    await see(page, "#news li", "Flush: ");
    await sleep(1600);
  });
  await film(page, "after-flush", ["log", "mem", "tree", "read"], async () => {
    await have("go-on");
    await sleep(1500);
  });
  await have("smaller");
  await see(page, "#news li", "started again");
  await press(page, "fill", 300);
  await press(page, "set", 300);
  await press(page, "flush", 800);
  await film(page, "tombstone", ["demo", "log", "mem", "tree", "merge", "read"], async () => {
    await press(page, "get", 1200);
    await press(page, "del", 1600);
    await press(page, "wipe", 800);
    await press(page, "flush", 1800);
    await have("compact");
    await see(page, "#news li", "dropped .*, [1-9][0-9,]* deletion");
    await sleep(600);
    await press(page, "get", 1800);
  });
  await browser.close();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
