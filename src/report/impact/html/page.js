"use strict";
// Only hides, shows and sorts what is in the page: nothing is built from text.
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  for (const control of all("[data-control]")) control.hidden = false;

  const theme = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  system.addEventListener("change", nameTheme);
  nameTheme();

  const views = all("[data-view]");
  const show = (name) => { for (const view of views) view.hidden = view.dataset.view !== name; };
  for (const radio of all("input[name=view]")) {
    radio.addEventListener("change", () => show(radio.value));
    if (radio.checked) show(radio.value);
  }

  const table = document.getElementById("groups");
  if (table) {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({
      row,
      text: row.textContent.toLowerCase(),
      by: row.dataset.by.split(" "),
    }));
    const field = (name) => document.getElementById("filter-" + name);
    const shown = document.getElementById("shown");
    const number = new Intl.NumberFormat("en");
    const filter = () => {
      const words = field("text").value.toLowerCase().split(/\s+/);
      const side = field("side").value;
      const user = field("user").value;
      const by = field("by").value;
      let visible = 0;
      for (const one of rows) {
        const fits = words.every((word) => one.text.includes(word))
          && (side === "" || one.row.dataset.side === side)
          && (user === "" || one.row.dataset.user === user)
          && (by === "" || one.by.includes(by));
        one.row.hidden = !fits;
        if (fits) visible += 1;
      }
      shown.textContent = `${number.format(visible)} of ${number.format(rows.length)} groups`;
    };
    for (const name of ["text", "side", "user", "by"]) field(name).addEventListener("input", filter);
    field("reset").addEventListener("click", () => {
      for (const name of ["text", "side", "user", "by"]) field(name).value = "";
      filter();
    });
    filter();

    const heads = all("thead th", table);
    heads.forEach((head, index) => {
      const button = head.querySelector("button");
      if (!button) return;
      const isNumber = head.classList.contains("number");
      const value = (row) => {
        const cell = row.cells[index];
        const text = cell.dataset.value ?? cell.textContent;
        return isNumber ? Number(text) : text;
      };
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        const first = isNumber ? "descending" : "ascending";
        const second = isNumber ? "ascending" : "descending";
        const order = before === first ? second : first;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const sorted = [...body.rows].sort((one, other) => {
          const [a, b] = [value(one), value(other)];
          return sign * (isNumber ? a - b : a < b ? -1 : a > b ? 1 : 0);
        });
        body.append(...sorted);
      });
    });
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });
})();
