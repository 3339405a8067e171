// Leaving quickly. Everything else works without this file.
(() => {
  "use strict";
  const exit = document.querySelector("a.exit");
  const leave = () => {
    document.documentElement.hidden = true;
    location.replace(exit.href);
  };
  exit.addEventListener("click", (event) => { event.preventDefault(); leave(); });
  let presses = [];
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") { presses = []; return; }
    presses = [...presses.filter((at) => event.timeStamp - at < 3000), event.timeStamp];
    if (presses.length >= 3) leave();
  });
})();
