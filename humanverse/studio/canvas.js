// The canvas: props.value is the JSON of humanverse.studio.canvas.Shown; element, props and watch come from gr.HTML.
const SVG = "http://www.w3.org/2000/svg";
const frame = element.querySelector("svg");
const handles = new Set(props.handles);
const UNDOS = 50;
let shown = null;
let chosen = 0;
let drag = null;
const before = [];

function make(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.appendChild(made);
  return made;
}

const seen = (point) => point[2] >= props.seen;
const known = (point) => point[2] > 0 || point[0] !== 0 || point[1] !== 0;
const short = () => Math.min(shown.width, shown.height);

function drawPerson(person, number) {
  const group = make("g", { "data-person": number, opacity: number === chosen || shown.people.length < 2 ? 1 : 0.75 }, frame);
  for (const [from, to, colour, width] of props.limbs) {
    if (!seen(person[from]) || !seen(person[to])) continue;
    const ends = { x1: person[from][0], y1: person[from][1], x2: person[to][0], y2: person[to][1] };
    make("line", { class: "limb", ...ends, stroke: colour, "stroke-width": Math.max(width * short(), 0.5) }, group);
  }
  person.forEach((point, slot) => {
    if (!seen(point)) return;
    const [colour, radius] = props.dots[slot];
    make("circle", { class: "dot", cx: point[0], cy: point[1], r: radius * short(), fill: colour }, group);
  });
  for (const slot of props.handles) {
    const point = person[slot];
    if (!known(point)) continue;
    const kind = seen(point) ? "handle" : "handle hidden";
    const place = { cx: point[0], cy: point[1], r: short() / 64, "stroke-width": short() / 256 };
    const handle = make("circle", { class: kind, ...place, "data-slot": slot }, group);
    make("title", {}, handle).textContent = props.names[slot];
  }
}

function draw() {
  frame.replaceChildren();
  frame.setAttribute("viewBox", [0, 0, shown.width, shown.height].join(" "));
  make("rect", { width: shown.width, height: shown.height, fill: "black" }, frame);
  if (shown.picture) make("image", { href: shown.picture, width: shown.width, height: shown.height }, frame);
  shown.people.forEach((_, place) => {
    const number = shown.people.length - 1 - place;
    drawPerson(shown.people[number], number);
  });
  const needsSomebody = new Set(["remove", "smaller", "larger", "mirror"]);
  for (const button of element.querySelectorAll("button")) {
    const name = button.dataset.do;
    button.disabled = (needsSomebody.has(name) && !shown.people.length) || (name === "undo" && !before.length);
  }
}

function load() {
  shown = JSON.parse(props.value);
  before.length = 0;
  chosen = 0;
  drag = null;
  draw();
}

function remember() {
  before.push(JSON.stringify(shown));
  if (before.length > UNDOS) before.shift();
}

function send() {
  props.value = JSON.stringify(shown);
  draw();
}

function change(what) {
  remember();
  what();
  shown.edited = true;
  send();
}

function placeOf(event) {
  const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(frame.getScreenCTM().inverse());
  return [place.x, place.y];
}

const round = (value) => Math.round(value * 100) / 100;

function move(person, slots, dx, dy) {
  for (const slot of slots) {
    if (!known(person[slot])) continue;
    person[slot][0] = round(person[slot][0] + dx);
    person[slot][1] = round(person[slot][1] + dy);
  }
}

function middle(person) {
  const points = person.filter(seen);
  const at = (axis) => (Math.min(...points.map((p) => p[axis])) + Math.max(...points.map((p) => p[axis]))) / 2;
  return points.length ? [at(0), at(1)] : [shown.width / 2, shown.height / 2];
}

function scale(fx, fy) {
  const person = shown.people[chosen];
  const [x, y] = middle(person);
  for (const point of person.filter(known)) {
    point[0] = round(x + fx * (point[0] - x));
    point[1] = round(y + fy * (point[1] - y));
  }
}

function mirror() {
  scale(-1, 1);
  const person = shown.people[chosen];
  shown.people[chosen] = props.flip.map((slot) => person[slot]);
}

function add() {
  if (shown.people.length >= props.most) return;
  shown.picture = null;
  const tall = props.tall * shown.height;
  const step = shown.people.length ? (((shown.people.length + 1) >> 1) * (shown.people.length % 2 ? 1 : -1) * shown.width) / 5 : 0;
  const x = Math.min(Math.max(shown.width / 2 + step, shown.width * 0.15), shown.width * 0.85);
  const top = (shown.height - tall) / 2;
  shown.people.push(props.figure.map(([dx, dy, c]) => (c ? [round(x + dx * tall), round(top + dy * tall), c] : [0, 0, 0])));
  chosen = shown.people.length - 1;
}

const ACTIONS = {
  add: () => change(add),
  remove: () => change(() => {
    shown.people.splice(chosen, 1);
    chosen = Math.max(Math.min(chosen, shown.people.length - 1), 0);
  }),
  smaller: () => change(() => scale(0.9, 0.9)),
  larger: () => change(() => scale(1 / 0.9, 1 / 0.9)),
  mirror: () => change(mirror),
  undo: () => {
    shown = JSON.parse(before.pop());
    chosen = 0;
    send();
  },
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button && !button.disabled) ACTIONS[button.dataset.do]();
});

frame.addEventListener("pointerdown", (event) => {
  const group = event.target.closest("g[data-person]");
  if (!group) return;
  event.preventDefault();
  chosen = Number(group.dataset.person);
  const slot = event.target.dataset.slot;
  const all = [...Array(shown.people[chosen].length).keys()];
  const slots = slot === undefined ? all : [Number(slot), ...(props.followers[slot] || [])];
  drag = { slots, at: placeOf(event), moved: false };
  frame.setPointerCapture(event.pointerId);
});

frame.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const [x, y] = placeOf(event);
  if (!drag.moved) remember();
  drag.moved = true;
  move(shown.people[chosen], drag.slots, x - drag.at[0], y - drag.at[1]);
  drag.at = [x, y];
  draw();
});

function drop() {
  if (!drag) return;
  if (drag.moved) shown.edited = true;
  const moved = drag.moved;
  drag = null;
  if (moved) send();
  else draw();
}
frame.addEventListener("pointerup", drop);
frame.addEventListener("pointercancel", drop);

frame.addEventListener("dblclick", (event) => {
  const found = document.elementsFromPoint(event.clientX, event.clientY).find((one) => one.dataset && one.dataset.slot);
  if (!found) return;
  const person = Number(found.closest("g[data-person]").dataset.person);
  change(() => {
    const point = shown.people[person][Number(found.dataset.slot)];
    point[2] = seen(point) ? 0 : 1;
  });
});

watch("value", () => {
  if (!drag && props.value !== JSON.stringify(shown)) load();
});
load();
