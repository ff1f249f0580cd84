// Only in previews that `veille preview` serves: loads the page again when what it shows has changed.
(() => {
  if (location.protocol !== "http:" || !window.EventSource) return;
  const shown = document.querySelector('meta[name="veille-state"]').content;
  const live = document.getElementById("live");
  const events = new EventSource("/events?page=" + encodeURIComponent(location.pathname));
  const say = (state) => { live.dataset.state = state; live.textContent = live.dataset[state]; live.hidden = false; };
  events.onopen = () => say("on");
  events.onerror = () => say("off");
  events.onmessage = (event) => {
    if (event.data === "gone") location.assign("/");
    else if (event.data !== shown) location.reload();
  };
  addEventListener("pagehide", () => events.close());
})();
