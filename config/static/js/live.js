// Parts of a page that keep themselves up to date.
//
// An element with `data-live` is asked for again (its hx-get, by the event "live") every second and
// a half; every half minute while nobody sees the page, every ten seconds after two minutes without
// a hand on it, and slower and slower while the server does not answer. It stops by itself when the
// server sends it back without `data-live`. An answer that changes nothing is not put in, so that
// selections, focus and screen readers are left in peace.

const WATCHED = 1500;
const IDLE = 10_000;
const HIDDEN = 30_000;
const IDLE_AFTER = 120_000;

const toggle = document.querySelector("[data-live-toggle]");
const lastAnswers = new Map();
let paused = false;
let failures = 0;
let lastTouch = Date.now();
let timer;

function parts() {
  return document.querySelectorAll("[data-live]");
}

function pause() {
  if (document.hidden) return HIDDEN;
  const usual = Date.now() - lastTouch > IDLE_AFTER ? IDLE : WATCHED;
  return Math.min(HIDDEN, usual * 2 ** Math.min(failures, 5));
}

function schedule() {
  clearTimeout(timer);
  showState();
  if (!paused && parts().length) timer = setTimeout(ask, pause());
}

function ask() {
  for (const part of parts()) window.htmx.trigger(part, "live");
  schedule();
}

function showState() {
  if (!toggle) return;
  toggle.hidden = !parts().length && !paused;
  const state = paused ? "Paused" : failures ? "Reconnecting" : "Live";
  toggle.dataset.state = state.toLowerCase();
  toggle.setAttribute("aria-pressed", String(!paused));
  const label = toggle.querySelector("span");
  if (label.textContent !== state) label.textContent = state;
}

function settled(isFailure) {
  failures = isFailure ? failures + 1 : 0;
  schedule();
}

// What is marked with `data-announce` is told to screen readers when its status has changed, by a
// region that stays: one that is itself replaced says nothing, or everything again.
const announced = () => [...document.querySelectorAll("[data-announce]")];
const words = (one) => one.textContent.trim().replace(/\s+/g, " ");
const statuses = () => announced().map((one) => words(one.querySelector(".status, b") ?? one)).join();
let known = statuses();

document.body.addEventListener("htmx:afterSwap", () => {
  const now = statuses();
  if (now !== known) document.querySelector("#announcer").textContent = announced().map(words).join(". ");
  known = now;
});

const isLive = (event) => event.detail.requestConfig?.triggeringEvent?.type === "live";

document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (!isLive(event) || event.detail.xhr.status !== 200) return;
  const { id } = event.detail.target;
  const answer = event.detail.xhr.responseText;
  if (lastAnswers.get(id) === answer) event.detail.shouldSwap = false;
  lastAnswers.set(id, answer);
});
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (isLive(event)) settled(!event.detail.successful);
});

for (const sign of ["pointerdown", "keydown", "scroll"]) {
  document.addEventListener(sign, () => {
    const wasIdle = Date.now() - lastTouch > IDLE_AFTER;
    lastTouch = Date.now();
    if (wasIdle && !paused) ask();
  }, { passive: true });
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !paused) ask();
});
toggle?.addEventListener("click", () => {
  paused = !paused;
  if (paused) schedule();
  else ask();
});

schedule();
