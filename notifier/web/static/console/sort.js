// Tables that sort (data-sort): each heading becomes a button. The order is kept in the address, so that it can be sent
// to somebody and survives a part of the page being put anew. Without this script the server's order stands.

const parameter = "sort";

addEventListener("console:fresh", sortAll);
sortAll();

function sortAll() {
  const [chosen, column, direction] = (new URL(location).searchParams.get(parameter) ?? "").split("~");
  for (const table of document.querySelectorAll("table[data-sort]")) {
    for (const heading of table.tHead.rows[0].cells) makeSortable(table, heading);
    const heading = chosen === table.ariaLabel && table.tHead.rows[0].cells[Number(column)];
    if (heading) sort(table, heading, direction === "down" ? "descending" : "ascending");
  }
}

function makeSortable(table, heading) {
  if (heading.querySelector("button") || !heading.textContent.trim()) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sorts";
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => {
    const first = heading.classList.contains("number") ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const direction = heading.getAttribute("aria-sort") === first ? second : first;
    sort(table, heading, direction);
    const address = new URL(location);
    address.searchParams.set(parameter, `${table.ariaLabel}~${heading.cellIndex}~${direction === "descending" ? "down" : "up"}`);
    history.replaceState(null, "", address);
  });
}

function sort(table, heading, direction) {
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
  const turn = direction === "descending" ? -1 : 1;
  const rows = [...table.tBodies[0].rows].map((row) => [value(row.cells[heading.cellIndex]), row]);
  rows.sort(([one], [other]) => turn * compare(one, other));
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

function value(cell) {
  const text = cell?.dataset.value ?? cell?.textContent.trim() ?? "";
  return text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
}

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), undefined, { numeric: true, sensitivity: "base" });
}
