// The values of charts, by mouse, touch and keyboard. Without this script each point still says its value to a pointer that
// rests on it.
"use strict";
for (const panel of document.querySelectorAll(".panel")) {
  const drawing = panel.querySelector("svg");
  // The points of a chart, or the fields of a picture.
  const marks = [...drawing.querySelectorAll(".marks > *")].map((shape) => {
    const title = shape.querySelector("title");
    const [place, text] = title.textContent.split("\n");
    title.remove();
    const number = (name) => Number(shape.getAttribute(name));
    const color = getComputedStyle(shape).color;
    if (shape.localName === "rect") {
      const field = { width: number("width"), height: number("height") };
      return { x: number("x") + field.width / 2, y: number("y") + field.height / 2, field, color, place };
    }
    return { x: number("cx"), y: number("cy"), field: null, color, place, text };
  });
  if (marks.length === 0) continue;
  const fields = marks[0].field !== null;
  const across = marks.filter((mark) => mark.y === marks[0].y).length;
  const ordered = fields ? marks : [...marks].sort((a, b) => a.x - b.x);
  const places = [...new Set(ordered.map((mark) => mark.place))];
  const together = (place) => marks.filter((mark) => mark.place === place).sort((a, b) => a.y - b.y);

  const values = document.createElement("div");
  values.className = "values";
  values.setAttribute("role", "status");
  values.hidden = true;
  panel.append(values);
  const ring = drawing.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
  ring.setAttribute("class", "ring");
  let shown = null;

  const element = (name, text, parent) => {
    const made = parent.appendChild(document.createElement(name));
    made.textContent = text;
    return made;
  };

  function show(mark) {
    if (mark === shown) return;
    shown = mark;
    values.hidden = mark === null;
    ring.style.display = mark === null ? "none" : "inline";
    if (mark === null) return;
    const { width, height } = mark.field ?? { width: 44, height: 44 };
    const box = { x: mark.x - width / 2, y: mark.y - height / 2, width, height, rx: mark.field ? 0 : width / 2 };
    for (const [name, value] of Object.entries(box)) ring.setAttribute(name, value);
    ring.style.color = mark.color;
    values.replaceChildren();
    element("strong", mark.place, values);
    const all = mark.field ? [] : together(mark.place);
    // What is nearest, where there are more than one reads at once.
    const first = Math.max(0, Math.min(all.indexOf(mark) - 4, all.length - 9));
    for (const other of all.slice(first, first + 9)) {
      const line = element("span", other.text, values);
      line.style.borderColor = other.color;
      line.classList.toggle("nearest", other === mark && all.length > 1);
    }
    // Beside the point, within the panel.
    const scale = drawing.clientWidth / drawing.viewBox.baseVal.width;
    const [x, y] = [mark.x * scale, mark.y * scale];
    const right = x + 14 + values.offsetWidth <= panel.clientWidth;
    const left = right ? x + 14 : Math.max(0, x - 14 - values.offsetWidth);
    const above = y - 14 - values.offsetHeight;
    const covers = !right && left + values.offsetWidth > x;
    values.style.left = `${left}px`;
    values.style.top = `${above >= 0 ? above : covers || y < 14 ? y + 14 : 0}px`;
  }

  function nearest(event) {
    const box = drawing.getBoundingClientRect();
    const scale = drawing.viewBox.baseVal.width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    // Along the horizontal axis first: that is how curves are read. Of fields, the one that it is in.
    const distance = (mark) =>
      mark.field
        ? Math.max(Math.abs(mark.x - x) / mark.field.width, Math.abs(mark.y - y) / mark.field.height)
        : Math.hypot(2 * (mark.x - x), mark.y - y);
    return marks.reduce((best, mark) => (distance(mark) < distance(best) ? mark : best));
  }

  const steps = {
    ArrowRight: () => together(places[Math.min(places.indexOf(shown.place) + 1, places.length - 1)]),
    ArrowLeft: () => together(places[Math.max(places.indexOf(shown.place) - 1, 0)]),
    Home: () => together(places[0]),
    End: () => together(places[places.length - 1]),
  };
  function press(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const key = event.key;
    if (key === "Escape") return show(null);
    if (!(key in steps) && key !== "ArrowUp" && key !== "ArrowDown") return;
    event.preventDefault();
    if (shown === null) return show(together(places[0])[0]);
    if (fields && (key === "ArrowDown" || key === "ArrowUp")) {
      const below = marks.indexOf(shown) + (key === "ArrowDown" ? across : -across);
      return show(marks[below] ?? shown);
    }
    const here = together(shown.place).indexOf(shown);
    const others = key in steps ? steps[key]() : together(shown.place);
    const wanted = here + (key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0);
    show(others[Math.max(0, Math.min(wanted, others.length - 1))]);
  }

  drawing.tabIndex = 0;
  drawing.addEventListener("pointermove", (event) => show(nearest(event)));
  drawing.addEventListener("pointerdown", (event) => show(nearest(event)));
  // A finger that is lifted leaves what it has found.
  drawing.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(null));
  document.addEventListener("pointerdown", (event) => panel.contains(event.target) || show(null));
  drawing.addEventListener("keydown", press);
  drawing.addEventListener("blur", () => show(null));
}
// Said once.
document.querySelector(".hint")?.removeAttribute("hidden");
