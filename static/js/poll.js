/* data-poll="URL": asks the server again and again, seldom when nobody is active, never when hidden. */

const FASTEST = 3_000;
const SLOWEST = 60_000;
const ACTIVE = 30_000;

export const start = () => {
  const waiting = new Map();
  let lastActivity = Date.now();

  const delayAfter = (state) => {
    if (Date.now() - lastActivity < ACTIVE && !state.failures) return FASTEST;
    state.delay = Math.min(SLOWEST, state.delay * 1.5);
    return state.delay;
  };

  const isEdited = (target) => target.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), textarea, select, [contenteditable=true]");

  const ask = async (holder, state) => {
    const target = holder.dataset.pollTarget ? document.querySelector(holder.dataset.pollTarget) : holder;
    if (!document.hidden && target && !isEdited(target)) {
      await window.htmx.ajax("GET", holder.dataset.poll, { source: holder, target, swap: holder.dataset.pollSwap || "innerHTML" }).catch(() => {});
    }
    if (holder.isConnected && holder.dataset.poll) schedule(holder, state);
    else waiting.delete(holder);
  };

  const schedule = (holder, state) => {
    clearTimeout(state.timer);
    state.timer = setTimeout(() => ask(holder, state), delayAfter(state));
  };

  const equipAll = () => {
    for (const holder of document.querySelectorAll("[data-poll]")) {
      if (waiting.has(holder)) continue;
      const state = { delay: FASTEST, failures: 0, timer: 0 };
      waiting.set(holder, state);
      schedule(holder, state);
    }
  };

  const hurry = () => {
    const wasIdle = Date.now() - lastActivity >= ACTIVE;
    lastActivity = Date.now();
    if (!wasIdle) return;
    for (const [holder, state] of waiting) {
      state.delay = FASTEST;
      schedule(holder, state);
    }
  };

  for (const name of ["pointerdown", "keydown", "pointermove"]) addEventListener(name, hurry, { passive: true });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    lastActivity = Date.now();
    for (const [holder, state] of waiting) {
      state.delay = FASTEST;
      clearTimeout(state.timer);
      ask(holder, state);
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const state = waiting.get(event.detail.elt);
    if (state) state.failures = event.detail.successful ? 0 : state.failures + 1;
  });
  document.addEventListener("htmx:load", equipAll);
  equipAll();
};
