// The one script of the site: the exit button and the search. Every page works without it.
"use strict";

// ---- Leaving: as the component "Exit this page" of the GOV.UK Design System behaves (read 2026-11).
(() => {
  const links = document.querySelectorAll("[data-exit]");
  const button = document.querySelector('[data-exit="main"]');
  if (!button) return;
  const words = button.dataset;
  const status = document.querySelector(".exit [role=status]");
  const dots = button.querySelector(".exit-dots");
  const PATIENCE = 5000; // milliseconds for three presses
  let presses = 0;
  let timer = 0;
  let combined = false;

  const leave = () => {
    // The page goes blank before the other one has answered.
    document.documentElement.classList.add("leaving");
    const cover = document.createElement("div");
    cover.className = "exit-cover";
    cover.setAttribute("role", "alert");
    cover.textContent = words.leaving;
    document.body.append(cover);
    document.title = words.leaving;
    window.location.replace(button.href); // "Back" does not lead here again
  };

  const reset = (said) => {
    clearTimeout(timer);
    timer = 0;
    presses = 0;
    dots.textContent = "";
    status.textContent = said;
  };

  links.forEach((link) =>
    link.addEventListener("click", (event) => {
      event.preventDefault();
      leave();
    })
  );

  document.addEventListener("keydown", (event) => {
    if (event.key === "Shift") combined = false;
    else if (event.shiftKey) combined = true; // somebody types a capital letter
    if (event.key !== "Shift" && presses) reset("");
  });
  document.addEventListener("keyup", (event) => {
    if (event.key !== "Shift" || combined) return;
    presses += 1;
    dots.textContent = " " + "\u25cf".repeat(presses) + "\u25cb".repeat(Math.max(3 - presses, 0));
    if (presses >= 3) {
      clearTimeout(timer);
      leave();
      return;
    }
    status.textContent = presses === 1 ? words.two : words.one;
    // Five seconds for all three, counted from the first.
    if (presses === 1) timer = setTimeout(() => reset(words.over), PATIENCE);
  });

  // A browser may show the page again as it was left.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.documentElement.classList.remove("leaving");
    document.querySelectorAll(".exit-cover").forEach((cover) => cover.remove());
    reset("");
  });
})();

// ---- Search
(() => {
  const form = document.querySelector("form.search");
  if (!form) return;
  const input = form.querySelector("input");
  const found = document.querySelector(".found");
  const results = document.querySelector(".results");
  const everything = document.querySelector(".everything");
  const MOST = 50;

  // The same as `veille.discretion.fold`.
  const fold = (text) =>
    text.toLowerCase().replace(/œ/g, "oe").replace(/æ/g, "ae").normalize("NFKD").replace(/\p{M}/gu, "");
  const split = (text) => fold(text).match(/[\p{L}\p{N}]+/gu) || [];

  const leaf = form.dataset.leaf;
  const entry = (raw) => ({
    path: form.dataset.root + raw.p + leaf,
    title: raw.t,
    label: raw.l,
    summary: raw.s,
    fields: [
      [8, split(raw.t)],
      [4, split(raw.l)],
      [2, split(raw.s)],
      [1, raw.w.split(" ")],
    ],
  });
  // Without the index (a folder opened as files): the list of the page, by title.
  const listed = () =>
    [...everything.querySelectorAll("li a")].map((link) => ({
      path: link.getAttribute("href"),
      title: link.textContent,
      label: "",
      summary: "",
      fields: [[8, split(link.textContent)]],
    }));

  const score = (item, wanted) => {
    let sum = 0;
    for (const word of wanted) {
      const best = item.fields.find(([, words]) => words.some((one) => one.startsWith(word)));
      if (!best) return 0;
      sum += best[0];
    }
    return sum;
  };

  const line = (item) => {
    const row = document.createElement("li");
    const link = document.createElement("a");
    link.href = item.path;
    link.textContent = item.title;
    const title = document.createElement("h2");
    title.append(link);
    row.append(title);
    for (const [text, css] of [[item.summary, ""], [item.label, "moment"]]) {
      if (!text) continue;
      const words = document.createElement("p");
      words.textContent = text;
      words.className = css;
      row.append(words);
    }
    return row;
  };

  let entries = listed();
  const show = () => {
    const wanted = split(input.value);
    everything.hidden = wanted.length > 0;
    results.hidden = wanted.length === 0;
    if (!wanted.length) {
      results.replaceChildren();
      found.textContent = "";
      return;
    }
    const hits = entries
      .map((item) => [score(item, wanted), item])
      .filter(([points]) => points)
      .sort((one, other) => other[0] - one[0]);
    results.replaceChildren(...hits.slice(0, MOST).map(([, item]) => line(item)));
    const { none, one, many } = form.dataset;
    found.textContent = hits.length === 0 ? none : hits.length === 1 ? one : many.replace("{count}", hits.length);
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  let wait = 0;
  input.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(show, 120); // a screen reader says the number once, not at each letter
  });
  fetch(form.dataset.index)
    .then((answer) => (answer.ok ? answer.json() : []))
    .then((raw) => {
      if (raw.length) entries = raw.map(entry);
      show();
    })
    .catch(() => show());
})();
