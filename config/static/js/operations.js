// Charts by keyboard: one bar is in the tab order, the arrow keys walk along the others. And the
// first box of a list, pressed with Shift held, chooses everything between it and the last.

document.addEventListener("keydown", (event) => {
  const bar = event.target.closest("[data-chart] a");
  if (!bar) return;
  const bars = [...bar.closest("[data-chart]").querySelectorAll("a")];
  const at = bars.indexOf(bar);
  const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: bars.length - 1 }[event.key];
  if (next === undefined || !bars[next]) return;
  event.preventDefault();
  bar.setAttribute("tabindex", "-1");
  bars[next].setAttribute("tabindex", "0");
  bars[next].focus();
});

let lastChosen;
document.addEventListener("click", (event) => {
  const box = event.target.closest("#rows input[type=checkbox]");
  if (!box) return;
  const boxes = [...document.querySelectorAll("#rows input[type=checkbox]")];
  if (event.shiftKey && boxes.includes(lastChosen)) {
    const [from, to] = [boxes.indexOf(lastChosen), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
  }
  lastChosen = box;
});
