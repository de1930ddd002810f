"use strict";
// The page is whole without this: it only hides rows, and opens and closes what is folded.
const form = document.getElementById("filter");
const rows = [...document.querySelectorAll("tbody")];
const texts = rows.map((row) => row.textContent.toLowerCase());
const fold = document.getElementById("fold");

function filter() {
  const choice = new FormData(form);
  const verdicts = new Set(choice.getAll("verdict"));
  const columns = choice.get("column") ? [choice.get("column")] : ["specification", "ours"];
  const words = choice.get("text").toLowerCase().split(/\s+/);
  let shown = 0;
  rows.forEach((row, i) => {
    row.hidden = !(
      columns.some((column) => verdicts.has(row.dataset[column])) &&
      words.every((word) => texts[i].includes(word))
    );
    shown += row.hidden ? 0 : 1;
  });
  document.getElementById("count").textContent = `${shown} of ${rows.length} rows`;
  document.getElementById("none").hidden = shown > 0;
}

let open = false;
fold.addEventListener("click", () => {
  open = !open;
  fold.textContent = open ? "Close all failures" : "Open all failures";
  for (const details of document.querySelectorAll("td > details")) details.open = open;
});
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
filter();
