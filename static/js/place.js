/* data-keep-place on a long form: once saved, the page comes back where one was, not at its top. */

const PLACE = "poststelle-place";

export const start = () => {
  document.addEventListener("submit", ({ target }) => {
    if (target.matches("[data-keep-place]")) sessionStorage.setItem(PLACE, JSON.stringify([location.pathname, scrollY]));
  });
  const [path, place] = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
  sessionStorage.removeItem(PLACE);
  if (path === location.pathname && !location.hash && !document.querySelector("[data-errors]")) scrollTo(0, place);
};
